"""In: a text. Out: one label of a closed set, with the probability of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, field_validator
from tokenizers import Tokenizer

from components.counts import confusion_matrix, label_table
from components.tasks.base import (
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    Whole,
    cut_tokens,
    share,
    softmax,
)

DIGITS: Final = 6


class Options(TaskOptions):
    """Options of text classification."""

    kind: Literal["classification"]
    """The task's file name in components/tasks."""
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """The label set, exactly as it is written in the data; a row with another label is rejected."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with three labels."""
        return cls(kind="classification", labels=("track", "refund", "login"))

    @field_validator("labels")
    @classmethod
    def _unique(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"every label must be listed once, found twice: {', '.join(twice)}")
        return labels


class Classification(Whole):
    """Single-label text classification."""

    columns: Mapping[str, str] = {"text": "string", "label": "string"}
    loss: Loss = "one_label"
    metric = "macro_f1"
    figures: tuple[str, ...] = ("accuracy", "macro_f1")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.labels = self.outputs = options.labels
        self._index = {label: index for index, label in enumerate(options.labels)}

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        label = example.get("label")
        if not label:
            return "missing_label"
        return None if isinstance(label, str) and label in self._index else "unknown_label"

    def tags(self, example: Example) -> Sequence[str]:
        """Return its label."""
        return [label] if (label := example.get("label")) else []

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts; targets are label indices."""
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
        encodings = tokenizer.encode_batch([example["text"] for example in examples])
        labelled = bool(examples) and examples[0].get("label") is not None
        return Encoded(
            input_ids=[encoding.ids for encoding in encodings],
            targets=[np.array(self._index[e["label"]]) for e in examples] if labelled else None,
            truncated=[cut_tokens(encoding) for encoding in encodings],
            owners=list(range(len(examples))),
        )

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return the label of each index."""
        return [{"label": self.labels[int(index)]} for index in targets], list(rows)

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (labels,) per example, into the most probable label."""
        rows = softmax(np.stack(logits)) if len(logits) else np.zeros((0, len(self.labels)))
        return [self._answer(row) for row in rows]

    def _answer(self, row: Array) -> Prediction:
        label, score = self.labels[int(row.argmax())], float(row.max())
        scores = {n: round(float(p), DIGITS) for n, p in zip(self.labels, row, strict=True)}
        return Prediction(
            label, score, {"label": label, "score": round(score, DIGITS), "scores": scores}
        )

    def truth(self, example: Example) -> str:
        """Return the label."""
        return cast(str, example["label"])

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer is the label."""
        pairs = zip(examples, answers, strict=True)
        return np.array([given.label == example["label"] for example, given in pairs], dtype=bool)

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 2 labels): per label, whether hit, then how often true or answered."""
        gold = np.array([self._index[example["label"]] for example in examples])
        answer = np.stack(logits).argmax(axis=1)
        each = np.eye(len(self.labels))
        hits = each[gold] * (gold == answer)[:, None]
        return np.concatenate([hits, each[gold] + each[answer]], axis=1)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return accuracy, or macro F1 over the labels that are true or answered somewhere."""
        hits, total = np.split(tallies, 2, axis=-1)
        if name == "accuracy":
            return share(2 * hits.sum(axis=-1), total.sum(axis=-1))
        seen = total > 0
        f1 = np.where(seen, 2 * hits / np.maximum(total, 1), 0.0)
        return share(f1.sum(axis=-1), seen.sum(axis=-1))

    def table(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> list[dict[str, Any]]:
        """Return precision, recall and F1 of each label."""
        return label_table(self.labels, *self._indices(examples, answers, self.labels))

    def confusion(
        self, examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> list[list[int]] | None:
        """Count how often each true label (row) was answered by each label (column)."""
        matrix = confusion_matrix(*self._indices(examples, answers, labels), len(labels))
        counted: list[list[int]] = matrix.tolist()
        return counted

    @staticmethod
    def _indices(
        examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> tuple[Array, Array]:
        index = {label: place for place, label in enumerate(labels)}
        gold = np.array([index[example["label"]] for example in examples], dtype=np.int64)
        return gold, np.array([index[answer.label] for answer in answers], dtype=np.int64)

    def samples(self) -> Sequence[Example]:
        """Return two labelled texts of different lengths."""
        return (
            {"text": "Where is my order?", "label": self.labels[0]},
            {"text": "I was charged twice for one order, please help me.", "label": self.labels[1]},
        )


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return Classification(cast(Options, options))
