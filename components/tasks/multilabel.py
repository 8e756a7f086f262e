"""In: a text. Out: those labels of a closed set that hold, none to all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from tokenizers import Tokenizer

from components.counts import counted_table
from components.tasks.base import (
    Array,
    Encoded,
    Example,
    Loss,
    Prediction,
    Task,
    TaskOptions,
    cut_tokens,
    once,
    share,
)
from components.tasks.whole import Whole
from components.thresholds import best_each, best_together

DIGITS: Final = 6
# The text of the answer that no label holds.
NONE: Final = "(none)"
# Nearer to 0 or 1 a threshold would not be told apart from never or always.
NEAREST: Final = 1e-9
Threshold = Annotated[float, Field(gt=0, lt=1)]


class Options(TaskOptions):
    """Options of multi-label text classification."""

    kind: Literal["multilabel"]
    """The task's file name in components/tasks."""
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """The label set, exactly as it is written in the data; a row with another label is rejected."""
    separator: Annotated[str, Field(min_length=1)]
    """What parts a row's labels in the column, such as ","; a JSON array of texts is read, too."""
    thresholds: tuple[Threshold, ...] | None
    """Of each label, the probability from which on it is answered; null: set on validation."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with four labels, whose thresholds are to be set."""
        labels = ("joy", "love", "anger", "fear")
        return cls(kind="multilabel", labels=labels, separator=",", thresholds=None)

    @field_validator("labels")
    @classmethod
    def _legible(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        once(labels)
        for label in labels:
            if label != label.strip() or label in ("", NONE) or label.startswith("["):
                raise ValueError(
                    f"no label may be empty, {NONE}, begin with [, or have space around it, "
                    f"found {label!r}"
                )
        return labels

    @field_validator("separator")
    @classmethod
    def _parts(cls, separator: str, info: ValidationInfo) -> str:
        for label in info.data.get("labels", ()):
            if separator in label:
                raise ValueError(f"must stand in no label, found {separator!r} in {label!r}")
        return separator

    @field_validator("thresholds")
    @classmethod
    def _of_each(
        cls, thresholds: tuple[float, ...] | None, info: ValidationInfo
    ) -> tuple[float, ...] | None:
        labels = info.data.get("labels")
        if thresholds is not None and labels is not None and len(thresholds) != len(labels):
            raise ValueError(f"must be one for each of {len(labels)} labels: {len(thresholds)}")
        return thresholds


class Multilabel(Whole):
    """Text classification in which any number of labels holds."""

    answers: tuple[str, ...] = ("label", "score", "labels", "scores")
    columns: Mapping[str, str] = {"text": "string", "label": "string"}
    loss: Loss = "many_labels"
    metric = "macro_f1"
    figures: tuple[str, ...] = ("macro_f1", "micro_f1", "accuracy")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.labels = self.outputs = options.labels
        self.tunes = options.thresholds is None
        self._index = {label: index for index, label in enumerate(options.labels)}
        self._separator = options.separator
        given = np.array(options.thresholds or [0.5] * len(options.labels))
        self._cuts = np.log(given) - np.log1p(-given)  # in logits

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None.

        No label holds is written `[]` or `(none)`. An empty cell says nothing, be it the empty
        text or null: in a table it is what a row looks like that nobody has labelled yet, and
        taking that for "none" would teach silence. Who means it renames it in ingestion.
        """
        value = example.get("label")
        if not value or (isinstance(value, str) and not value.strip()):
            return "missing_label"
        found = self._read(value)
        if found is not None and "" in found:
            return "missing_label"  # between two separators
        return None if found is not None and set(found) <= set(self.labels) else "unknown_label"

    def tags(self, example: Example) -> Sequence[str]:
        """Return its labels; the whole cell where it cannot be read."""
        value = example.get("label")
        if not value:
            return []
        found = self._read(value)
        return [str(value)] if found is None else [label for label in found if label]

    def renamed(self, field: str, value: str, table: Mapping[str, str]) -> str:
        """Return what the value stands for, each of its labels on its own."""
        whole = super().renamed(field, value, table)
        if field != "label" or whole != value or (found := self._read(value)) is None:
            return whole
        return json.dumps([table.get(label, label) for label in found], ensure_ascii=False)

    def _read(self, value: object) -> list[str] | None:
        """Return the labels that a cell names, None where it cannot be read."""
        if not isinstance(value, str):
            return None
        if value.strip() == NONE:
            return []
        if not value.lstrip().startswith("["):
            return [part.strip() for part in value.split(self._separator)]
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return None
        texts = isinstance(found, list) and all(isinstance(label, str) for label in found)
        return found if texts else None

    def _gold(self, examples: Sequence[Example]) -> Array:
        """Return (examples, labels) bool."""
        gold = np.zeros((len(examples), len(self.labels)), dtype=bool)
        for row, example in zip(gold, examples, strict=True):
            row[[self._index[label] for label in self._read(example["label"]) or ()]] = True
        return gold

    def _text(self, holds: Array) -> str:
        """Return the labels in the task's order as one text, which `_read` reads."""
        tight = self._separator not in (",", ";")
        joint = self._separator if tight else f"{self._separator} "
        return joint.join(self._held(holds)) or NONE

    def _held(self, holds: Array) -> list[str]:
        return [self.labels[index] for index in np.flatnonzero(holds)]

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts; targets are 1 for each label that holds, (labels,) float32."""
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
        encodings = tokenizer.encode_batch([example["text"] for example in examples])
        labelled = bool(examples) and examples[0].get("label") is not None
        return Encoded(
            input_ids=[encoding.ids for encoding in encodings],
            targets=list(self._gold(examples).astype(np.float32)) if labelled else None,
            truncated=[cut_tokens(encoding) for encoding in encodings],
            owners=list(range(len(examples))),
        )

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return the labels of each row, and logits as far as they are above the threshold.

        While thresholds are to be set, epochs are compared at one threshold for all labels: of
        all that there are, the best on these very rows. At one half a head that is still unsure
        of rare labels would answer none of them, and the epoch would be chosen by its boldness,
        which the thresholds set in the end. One of each label would flatter by chance; one for
        all hardly does.
        """
        gold = [np.asarray(target) > 0 for target in targets]
        examples: list[Example] = [{"label": self._text(row)} for row in gold]
        common = best_together(np.stack(rows), np.stack(gold)) if self.tunes and len(rows) else 0.0
        return examples, [row - common for row in rows]

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (labels,) per example, into all labels above their thresholds."""
        return [self._answer(row.astype(np.float64)) for row in logits]

    def _answer(self, row: Array) -> Prediction:
        holds = row >= self._cuts
        # That all are right, as if labels were independent: the product of each one's probability.
        score = float(np.exp(-np.logaddexp(0.0, np.where(holds, -row, row)).sum()))
        probability = np.exp(-np.logaddexp(0.0, -row))
        scores = zip(self.labels, probability, strict=True)
        text = self._text(holds)
        value = {
            "label": text,
            "score": round(score, DIGITS),
            "labels": self._held(holds),
            "scores": {name: round(float(p), DIGITS) for name, p in scores},
        }
        return Prediction(text, score, value)

    def truth(self, example: Example) -> str:
        """Return its labels in the task's order."""
        return self._text(self._gold([example])[0])

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer has all of the labels and no other."""
        pairs = zip(examples, answers, strict=True)
        return np.array([given.label == self.truth(example) for example, given in pairs], bool)

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 2 labels + 2).

        Per label, whether hit, then how often true or answered; whether all is right; 1.
        """
        gold, answered = self._gold(examples), np.stack(logits) >= self._cuts
        exact = (gold == answered).all(axis=1, keepdims=True)
        total = gold.astype(np.float64) + answered
        return np.concatenate([gold & answered, total, exact, np.ones_like(exact)], axis=1)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return macro F1 over the labels true or answered somewhere, micro F1, or accuracy.

        Accuracy is the share of examples whose whole set of labels is right (subset accuracy).
        """
        count = len(self.labels)
        hits, total = tallies[..., :count], tallies[..., count : 2 * count]
        if name == "accuracy":
            return share(tallies[..., -2], tallies[..., -1])
        if name == "micro_f1":
            return share(2 * hits.sum(axis=-1), total.sum(axis=-1))
        seen = total > 0
        f1 = np.where(seen, 2 * hits / np.maximum(total, 1), 0.0)
        return share(f1.sum(axis=-1), seen.sum(axis=-1))

    def table(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> list[dict[str, Any]]:
        """Return precision, recall and F1 of each label."""
        gold = self._gold(examples)
        answered = self._gold([{"label": answer.label} for answer in answers])
        counts = ((gold & answered).sum(axis=0), answered.sum(axis=0), gold.sum(axis=0))
        return counted_table(self.labels, *counts)

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options with the threshold of each label that validation rows set."""
        if not self.tunes:
            return self.options
        cuts = best_each(np.stack(rows), np.stack(targets) > 0)
        found = np.clip(np.exp(-np.logaddexp(0.0, -cuts)), NEAREST, 1 - NEAREST)
        return self.options.model_copy(update={"thresholds": tuple(found.tolist())})

    def samples(self) -> Sequence[Example]:
        """Return a text with one label and a longer one with two."""
        two = self._separator.join(self.labels[:2])
        return (
            {"text": "What a day!", "label": self.labels[0]},
            {"text": "I was so happy to see you there, thank you my dear.", "label": two},
        )


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return Multilabel(cast(Options, options))
