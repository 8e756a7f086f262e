"""In: a text, and a list of texts with names. Out: the one that matches best, and the next ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, field_validator
from tokenizers import Tokenizer

from components.tasks.base import (
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    share,
    softmax,
)
from components.tasks.classification import DIGITS, Classification

RANKED: Final = 5
DEPTHS: Final = (1, 5, 10)


class Options(TaskOptions):
    """Options of matching."""

    kind: Literal["matching"]
    """The task's file name in components/tasks."""
    items: Annotated[dict[str, str], Field(min_length=2)]
    """What a text is matched to: names, as they are written in the data, and the text of each that
    is embedded. No row of training need name an item; all are ranked."""
    scale: Annotated[float, Field(gt=0, le=1000)]
    """Logits are this times the cosine; its inverse is the temperature."""
    pooling: Literal["mean"]
    """A text's vector is the mean of its tokens' last hidden states, of length 1."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with three items."""
        items = {
            "track": "where is my order",
            "refund": "i want my money back",
            "login": "reset my password",
        }
        return cls(kind="matching", items=items, scale=20.0, pooling="mean")

    @field_validator("items")
    @classmethod
    def _told_apart(cls, items: dict[str, str]) -> dict[str, str]:
        texts = [" ".join(text.casefold().split()) for text in items.values()]
        if not all(texts) or not all(items):
            raise ValueError("every item must have a name and a text")
        twice = sorted(
            name for name, text in zip(items, texts, strict=True) if texts.count(text) > 1
        )
        if twice:
            raise ValueError(f"items must have different texts, found alike: {', '.join(twice)}")
        return items


class Matching(Classification):
    """The best of a list of items, by the cosine of two vectors that one encoder makes.

    The metric is the mean reciprocal rank: unlike recall at 1, it also tells a second place from a
    last one, so that fewer examples tell two models apart. The share of right answers is recall at
    1, of which a floor can be asked besides.
    """

    answers: tuple[str, ...] = ("label", "score", "ranking")
    columns: Mapping[str, str] = {"text": "string", "item": "string"}
    head = "AutoModel"
    outputs: tuple[str, ...] = ()
    loss: Loss = "match"
    metric = "mrr"
    figures: tuple[str, ...] = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr", "ndcg")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.scale = options.scale
        self.labels = tuple(options.items)
        self._texts = tuple(options.items.values())
        self._index = {name: index for index, name in enumerate(self.labels)}

    def anchors(self) -> Sequence[Example]:
        """Return the items' texts as requests."""
        return [{"text": text} for text in self._texts]

    def against(self, rows: Array, anchors: Array) -> Array:
        """Return scale * cosine, (rows, items) float32, of vectors of length 1."""
        # In float64 a row's products do not depend on how many rows there are, once rounded.
        cosines = rows.astype(np.float64) @ anchors.astype(np.float64).T
        return np.asarray(self.scale * cosines, dtype=np.float32)

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        return super().reject({"label": example.get("item")})

    def tags(self, example: Example) -> Sequence[str]:
        """Return its item."""
        return [item] if (item := example.get("item")) else []

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts; targets are numbers of items."""
        rows = [{"text": e["text"], "label": e.get("item")} for e in examples]
        return super().encode(tokenizer, rows, max_length)

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return the item of each number."""
        return [{"item": self.labels[int(index)]} for index in targets], list(rows)

    def _answer(self, row: Array) -> Prediction:
        order = np.argsort(-row, kind="stable")[:RANKED]
        ranking = [
            {"item": self.labels[at], "score": round(float(row[at]), DIGITS)} for at in order
        ]
        label, score = self.labels[order[0]], float(row[order[0]])
        told = {"label": label, "score": round(score, DIGITS), "ranking": ranking}
        return Prediction(label, score, told)

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (items,) per example, into the best item, and a ranking of five."""
        return [self._answer(softmax(np.asarray(row))) for row in logits]

    def truth(self, example: Example) -> str:
        """Return the item."""
        return cast(str, example["item"])

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer is the item."""
        pairs = zip(examples, answers, strict=True)
        return np.array([given.label == example["item"] for example, given in pairs], dtype=bool)

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 6): whether ranked 1, 5, 10 or better, 1 / rank, nDCG, and 1.

        With one relevant item, nDCG is 1 / log2(1 + rank): Jarvelin and Kekalainen, ACM TOIS 20,
        2002. Of items with equal logits the first listed ranks first, as `decode` has it.
        """
        gold = np.array([self._index[example["item"]] for example in examples])
        order = np.argsort(-np.stack(logits), axis=1, kind="stable")
        rank = 1.0 + (order == gold[:, None]).argmax(axis=1)
        hits = [(rank <= depth).astype(np.float64) for depth in DEPTHS]
        return np.stack([*hits, 1 / rank, 1 / np.log2(1 + rank), np.ones(len(rank))], axis=1)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return the mean of a figure over the examples."""
        at = self.figures.index(name or self.metric)
        return share(tallies[..., at], tallies[..., -1])

    @staticmethod
    def _indices(
        examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> tuple[Array, Array]:
        index = {label: place for place, label in enumerate(labels)}
        gold = np.array([index[example["item"]] for example in examples], dtype=np.int64)
        return gold, np.array([index[answer.label] for answer in answers], dtype=np.int64)

    def samples(self) -> Sequence[Example]:
        """Return two texts of different lengths with their items."""
        return (
            {"text": "Where is my order?", "item": self.labels[0]},
            {"text": "I was charged twice for one order, please help me.", "item": self.labels[1]},
        )


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return Matching(cast(Options, options))
