"""In: a text. Out: one label of a closed set, with the probability of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
from pydantic import Field, field_validator
from tokenizers import Tokenizer

from components.tasks.base import Array, Encoded, Example, Prediction, Task, TaskOptions, pad


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


class Classification:
    """Single-label text classification."""

    columns: Mapping[str, str] = {"text": "string", "label": "string"}
    head = "AutoModelForSequenceClassification"
    metric = "macro_f1"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.labels = options.labels
        self._index = {label: index for index, label in enumerate(options.labels)}

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used, or None."""
        label = example.get("label")
        if not label:
            return "missing_label"
        return None if isinstance(label, str) and label in self._index else "unknown_label"

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts; targets are (examples,) label indices."""
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
        encodings = tokenizer.encode_batch([example["text"] for example in examples])
        labelled = bool(examples) and examples[0].get("label") is not None
        return Encoded(
            input_ids=[encoding.ids for encoding in encodings],
            targets=np.array([self._index[e["label"]] for e in examples], dtype=np.int64)
            if labelled
            else None,
            truncated=[sum(_content(part) for part in e.overflowing) for e in encodings],
        )

    def collate(
        self, input_ids: Sequence[Sequence[int]], pad_id: int, length: int
    ) -> Mapping[str, Array]:
        """Pad to (batch, length) and add the attention mask."""
        return {
            "input_ids": pad(input_ids, pad_id, length),
            "attention_mask": pad([[1] * len(row) for row in input_ids], 0, length),
        }

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (labels,) per example, into the most probable label."""
        scores = softmax(np.stack(logits)) if len(logits) else np.zeros((0, len(self.labels)))
        return [Prediction(self.labels[int(row.argmax())], float(row.max()), row) for row in scores]

    def labelled(self, targets: Array) -> list[Example]:
        """Return the label of each (examples,) index."""
        return [{"label": self.labels[int(index)]} for index in targets]

    def metrics(self, examples: Sequence[Example], logits: Sequence[Array]) -> dict[str, float]:
        """Return accuracy, and macro F1 over the labels that are true or answered somewhere."""
        gold = np.array([self._index[example["label"]] for example in examples])
        answer = np.stack(logits).argmax(axis=1)
        return {
            "accuracy": float((gold == answer).mean()),
            "macro_f1": float(np.nanmean(f1_per_label(gold, answer, len(self.labels)))),
        }

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 2 labels): per label, whether hit, then how often true or answered."""
        gold = np.array([self._index[example["label"]] for example in examples])
        answer = np.stack(logits).argmax(axis=1)
        each = np.eye(len(self.labels))
        hits = each[gold] * (gold == answer)[:, None]
        return np.concatenate([hits, each[gold] + each[answer]], axis=1)

    def score(self, tallies: Array) -> Array:
        """Return macro F1 over the labels that are true or answered somewhere."""
        hits, total = np.split(tallies, 2, axis=-1)
        seen = total > 0
        f1 = np.where(seen, 2 * hits / np.maximum(total, 1), 0.0)
        count = seen.sum(axis=-1)
        return np.where(count > 0, f1.sum(axis=-1) / np.maximum(count, 1), np.nan)

    def editable(self, example: Example) -> str:
        """Return the whole text: no word of it is the label."""
        return cast(str, example["text"])

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with another text."""
        return {**example, "text": text}

    def samples(self) -> Sequence[Example]:
        """Return two labelled texts of different lengths."""
        return (
            {"text": "Where is my order?", "label": self.labels[0]},
            {"text": "I was charged twice for one order, please help me.", "label": self.labels[1]},
        )


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    return Classification(cast(Options, options))


def softmax(logits: Array) -> Array:
    """Return probabilities along the last axis, in float64, without overflow."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return cast(Array, shifted / shifted.sum(axis=-1, keepdims=True))


def f1_per_label(gold: Array, answer: Array, labels: int) -> Array:
    """Return (labels,) F1 = 2 TP / (2 TP + FP + FN), NaN for labels never true or answered."""
    hit = np.bincount(gold[gold == answer], minlength=labels)
    total = np.bincount(gold, minlength=labels) + np.bincount(answer, minlength=labels)
    return np.where(total == 0, np.nan, 2 * hit / np.maximum(total, 1))


def _content(part: Any) -> int:  # noqa: ANN401 - tokenizers has no type stubs
    """Count the tokens of an overflowing part, special tokens left out."""
    return int(len(part.ids) - sum(part.special_tokens_mask))
