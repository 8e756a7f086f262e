"""In: two texts. Out: one label of a closed set for both together, or how alike they are."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator
from tokenizers import Tokenizer

from components.correlations import correlation, matthews, products, ranks
from components.scatter import chance_within, scatter, sigmoid
from components.tasks.base import (
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    share,
)
from components.tasks.classification import DIGITS, Classification
from components.tasks.whole import Whole

BINARY: Final = 2
# Answers are written to a thousandth of the range: finer than any of them is right.
STEPS: Final = 3
NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Options(TaskOptions):
    """Options of pairs: either `labels`, or `range` with what goes with it."""

    kind: Literal["pair"]
    """The task's file name in components/tasks."""
    labels: Annotated[tuple[str, ...], Field(min_length=2)] | None
    """What two texts are to each other, exactly as it is written in the data; of two labels, F1 is
    that of the last. null: a number says how alike they are."""
    range: tuple[float, float] | None
    """Lowest and highest number that the data may say; null: labels do."""
    tolerance: Annotated[float, Field(ge=0)] | None
    """With a range: an answer that is off by so much at most is right; null with labels."""
    scatter: Annotated[float, Field(gt=0, le=1)] | None
    """With a range: variance of the true numbers about the answer p, both scaled to [0, 1], as a
    share of p (1 - p), the most that there can be. null: training measures it on validation rows;
    with labels it stays null."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with two labels."""
        labels = ("different", "same")
        return cls(kind="pair", labels=labels, range=None, tolerance=None, scatter=None)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.labels is None) == (self.range is None):
            raise ValueError("either labels or range must be given, and the other be null")
        if self.labels is not None and len(set(self.labels)) < len(self.labels):
            raise ValueError("every label must be listed once")
        if self.range is None:
            if (self.tolerance, self.scatter) != (None, None):
                raise ValueError("tolerance and scatter must be null where there are labels")
        elif not -math.inf < self.range[0] < self.range[1] < math.inf:
            raise ValueError(f"range must rise, found {self.range[0]} to {self.range[1]}")
        elif self.tolerance is None:
            raise ValueError("tolerance must be given with a range")
        return self


class _Pair(Whole, ABC):
    """What both kinds of pairs share: [CLS] text [SEP] other [SEP] as one row, of one segment."""

    inputs: tuple[str, ...] = ("text", "other")
    columns: Mapping[str, str] = {"text": "string", "other": "string", "label": "string"}

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        label = example.get("label")
        if not label:
            return "missing_label"
        if reason := self._wrong(label):
            return reason
        texts = (example.get(name) for name in self.inputs)
        blank = any(not isinstance(text, str) or not text.strip() for text in texts)
        return "empty_text" if blank else None

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize pairs; where both do not fit, the longer text is cut first.

        Too long ones are tokenized twice: the parts that tokenizers tells to have cut overlap.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        pairs = [(example["text"], example["other"]) for example in examples]
        rows = [encoding.ids for encoding in tokenizer.encode_batch(pairs)]
        lengths = [len(row) for row in rows]
        long = [index for index, length in enumerate(lengths) if length > max_length]
        tokenizer.enable_truncation(max_length, strategy="longest_first")
        cut = tokenizer.encode_batch([pairs[index] for index in long])
        for index, encoding in zip(long, cut, strict=True):
            rows[index] = encoding.ids
        labelled = bool(examples) and examples[0].get("label") is not None
        return Encoded(
            input_ids=rows,
            targets=[self._target(example["label"]) for example in examples] if labelled else None,
            truncated=[whole - len(row) for whole, row in zip(lengths, rows, strict=True)],
            owners=list(range(len(examples))),
        )

    def content(self, example: Example) -> str:
        """Return both texts."""
        return f"{example['text']}\n{example['other']}"

    @abstractmethod
    def _wrong(self, label: object) -> str | None:
        """Return why this is no label, or None."""

    @abstractmethod
    def _target(self, label: str) -> Array:
        """Return what the head learns of a label."""


class LabelledPair(_Pair, Classification):
    """One label for two texts.

    F1 is that of the last label where there are two, and macro F1 over the labels that are true or
    answered somewhere where there are more.
    """

    loss: Loss = "one_label"
    metric = "f1"
    figures: tuple[str, ...] = ("accuracy", "f1", "mcc")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.labels = self.outputs = options.labels or ()
        self._index = {label: index for index, label in enumerate(self.labels)}

    def _wrong(self, label: object) -> str | None:
        return None if isinstance(label, str) and label in self._index else "unknown_label"

    def _target(self, label: str) -> Array:
        return np.array(self._index[label])

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, labels * labels): the one cell of the confusion matrix, true first."""
        gold = np.array([self._index[example["label"]] for example in examples])
        answer = np.stack(logits).argmax(axis=1)
        return np.asarray(np.eye(len(self.labels) ** 2)[gold * len(self.labels) + answer])

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return accuracy, F1 or Matthews' correlation of summed confusion counts."""
        size = len(self.labels)
        matrix = tallies.reshape(*tallies.shape[:-1], size, size)
        hits, rows = matrix.diagonal(axis1=-2, axis2=-1), tallies.sum(axis=-1)
        true, answered = matrix.sum(axis=-1), matrix.sum(axis=-2)
        if name == "accuracy":
            return share(hits.sum(axis=-1), rows)
        if name == "mcc":
            return matthews(hits.sum(axis=-1), true, answered)
        total = true + answered
        if size == BINARY:
            return share(2 * hits[..., -1], total[..., -1])
        f1 = np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0)
        return share(f1.sum(axis=-1), (total > 0).sum(axis=-1))

    def samples(self) -> Sequence[Example]:
        """Return a pair with the last label and one with the first."""
        return _samples(self.labels[-1], self.labels[0])


class GradedPair(_Pair):
    """How alike two texts are, as a number; its sigmoid is learned as a share of the range."""

    answers: tuple[str, ...] = ("label", "score", "value")
    labels: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("value",)
    loss: Loss = "value"
    metric = "pearson"
    figures: tuple[str, ...] = ("pearson", "spearman")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self._low, self._high = options.range or (0.0, 1.0)
        self._width = self._high - self._low
        self._tolerance = options.tolerance or 0.0
        self._scatter = options.scatter
        self._decimals = max(0, STEPS - math.floor(math.log10(self._width)))

    @property
    def tunes(self) -> bool:  # type: ignore[override]
        """Whether the scatter is still to be measured."""
        return self._scatter is None

    def _wrong(self, label: object) -> str | None:
        if not isinstance(label, str) or not NUMBER.fullmatch(label):
            return "no_number"
        return None if self._low <= float(label) <= self._high else "out_of_range"

    def _target(self, label: str) -> Array:
        return np.array((float(label) - self._low) / self._width, dtype=np.float32)

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return the number of each share."""
        numbers = (self._low + float(target) * self._width for target in targets)
        return [{"label": repr(number)} for number in numbers], list(rows)

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (1,) per example, into numbers, each as probable as `scatter` has it."""
        return [self._answer(float(part)) for part in _shares(logits)]

    def _answer(self, part: float) -> Prediction:
        number = self._low + part * self._width
        score = chance_within(part, self._tolerance / self._width, self._scatter or 1.0)
        label, value = self._written(number), round(number, self._decimals)
        told = {"label": label, "score": round(score, DIGITS), "value": value}
        return Prediction(label, score, told)

    def _written(self, number: float) -> str:
        return f"{round(number, self._decimals) + 0.0:.{self._decimals}f}"

    def truth(self, example: Example) -> str:
        """Return the number, written as answers are."""
        return self._written(float(example["label"]))

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer is within the tolerance."""
        pairs = zip(examples, answers, strict=True)
        return np.array([self._near(a.label, e["label"]) for e, a in pairs], dtype=bool)

    def same(self, example: Example, edited: Example, answers: Sequence[Prediction]) -> bool:
        """Return whether two answers lie within the tolerance of each other."""
        return all(self._near(answers[0].label, answer.label) for answer in answers)

    def _near(self, one: str, other: str) -> bool:
        rounding = 0.5 * 10.0**-self._decimals
        return abs(float(one) - float(other)) <= self._tolerance + rounding

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 11): 1, then the five sums of a correlation, of numbers and of ranks.

        Ranks are those among the examples given: they are taken once, and not again in each draw
        of a bootstrap, or in a slice, that sums some of these rows.
        """
        found = _shares(logits)
        gold = np.array([float(self._target(example["label"])) for example in examples])
        parts = [*products(found, gold), *products(ranks(found), ranks(gold))]
        return np.stack([np.ones(len(found)), *parts], axis=1)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return Pearson's or Spearman's correlation; 0 where answers or truth do not differ."""
        rows = tallies[..., 0]
        first = 6 if name == "spearman" else 1
        x, y, xx, yy, xy = np.moveaxis(tallies[..., first : first + 5], -1, 0)
        return correlation(rows * xy - x * y, (rows * xx, x * x), (rows * yy, y * y), rows)

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options with the scatter of validation rows."""
        found, gold = _shares(rows), np.array([float(target) for target in targets])
        return self.options.model_copy(update={"scatter": scatter(found, gold)})

    def samples(self) -> Sequence[Example]:
        """Return two pairs with the ends of the range."""
        return _samples(self._written(self._high), self._written(self._low))


def _shares(logits: Sequence[Array]) -> Array:
    return sigmoid(np.array([float(row[0]) for row in logits]))


def _samples(alike: str, apart: str) -> Sequence[Example]:
    return (
        {"text": "Where is my order?", "other": "My order has not arrived yet.", "label": alike},
        {"text": "Where is my order?", "other": "Please change my password.", "label": apart},
    )


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    given = cast(Options, options)
    return LabelledPair(given) if given.labels is not None else GradedPair(given)
