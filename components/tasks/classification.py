"""In: a text. Out: one label of a closed set, with the probability of each, or out of scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast

import numpy as np
from pydantic import Field, ValidationInfo, field_validator
from tokenizers import Tokenizer

from components.counts import confusion_matrix, label_table
from components.scope import NO_LABEL, OutOfScope
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
    softmax,
)
from components.tasks.whole import Whole

DIGITS: Final = 6
# The text of the answer that a text has none of the labels.
OUT: Final = "(out of scope)"


class Options(TaskOptions):
    """Options of text classification."""

    later: ClassVar[Mapping[str, Any]] = {"out_of_scope": None}
    kind: Literal["classification"]
    """The task's file name in components/tasks."""
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    """The label set, exactly as it is written in the data; a row with another label is rejected."""
    out_of_scope: OutOfScope | None
    """For texts that have none of the labels; null: every text is given one."""

    @classmethod
    def example(cls) -> Self:
        """Return the options of a task with three labels."""
        labels = ("track", "refund", "login")
        return cls(kind="classification", labels=labels, out_of_scope=None)

    @field_validator("labels")
    @classmethod
    def _unique(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        return once(labels)

    @field_validator("out_of_scope")
    @classmethod
    def _apart(cls, out_of_scope: OutOfScope | None, info: ValidationInfo) -> OutOfScope | None:
        for taken in (out_of_scope.label, OUT) if out_of_scope else ():
            if taken in info.data.get("labels", ()):
                raise ValueError(f"{taken!r} must be none of task.labels")
        return out_of_scope


class Classification(Whole):
    """Single-label text classification."""

    columns: Mapping[str, str] = {"text": "string", "label": "string"}
    loss: Loss = "one_label"
    metric = "macro_f1"
    figures: tuple[str, ...] = ("accuracy", "macro_f1")

    def __init__(self, options: Options) -> None:
        self.options: TaskOptions = options
        self.labels: tuple[str, ...] = options.labels
        self.outputs = options.labels
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
        rows = softmax(np.stack(logits)) if len(logits) else np.zeros((0, len(self.outputs)))
        best = zip(rows.argmax(axis=1).tolist(), rows.max(axis=1).tolist(), rows, strict=True)
        return [
            Prediction(self.outputs[index], score, partial(self._told, index, row))
            for index, score, row in best
        ]

    def _told(self, index: int, row: Array) -> dict[str, Any]:
        scores = {n: round(p, DIGITS) for n, p in zip(self.outputs, row.tolist(), strict=True)}
        label = self.outputs[index]
        return {"label": label, "score": scores[label], "scores": scores}

    def truth(self, example: Example) -> str:
        """Return the label."""
        return cast(str, example["label"])

    def right(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> Array:
        """Return whether each answer is the label."""
        pairs = zip(examples, answers, strict=True)
        return np.array([given.label == self.truth(example) for example, given in pairs], bool)

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 2 labels): per label, whether hit, then how often true or answered."""
        gold = np.array([self._index[example["label"]] for example in examples])
        answer = self._best(np.stack(logits))
        each = np.eye(len(self.labels))
        hits = each[gold] * (gold == answer)[:, None]
        return np.concatenate([hits, each[gold] + each[answer]], axis=1)

    def _best(self, logits: Array) -> Array:
        return cast(Array, logits.argmax(axis=1))

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

    def _indices(
        self, examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> tuple[Array, Array]:
        index = {label: place for place, label in enumerate(labels)}
        gold = np.array([index[self.truth(example)] for example in examples], dtype=np.int64)
        return gold, np.array([index[answer.label] for answer in answers], dtype=np.int64)

    def samples(self) -> Sequence[Example]:
        """Return two labelled texts of different lengths."""
        return (
            {"text": "Where is my order?", "label": self.labels[0]},
            {"text": "I was charged twice for one order, please help me.", "label": self.labels[1]},
        )


class Scoped(Classification):
    """Text classification that may answer that a text is out of scope.

    An example's logits are those of the labels, and then its evidence of being in scope above the
    threshold.
    """

    loss: Loss = "label_or_none"
    figures = ("accuracy", "macro_f1", "in_scope_accuracy", "out_of_scope_recall")

    def __init__(self, options: Options, scope: OutOfScope) -> None:
        super().__init__(options)
        self.labels = (*options.labels, OUT)
        self.tunes = scope.threshold is None
        self._scope = scope
        self._index[scope.label] = len(options.labels)

    def tags(self, example: Example) -> Sequence[str]:
        """Return its label, or that it is out of scope."""
        outside = example.get("label") == self._scope.label
        return [OUT] if outside else super().tags(example)

    def truth(self, example: Example) -> str:
        """Return its label, or that it is out of scope."""
        return self.labels[self._index[example["label"]]]

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize texts; targets are label indices, NO_LABEL where the text is out of scope."""
        encoded = super().encode(tokenizer, examples, max_length)
        known, given = len(self.outputs), encoded.targets
        return replace(encoded, targets=given and [np.where(t < known, t, NO_LABEL) for t in given])

    def gather(self, encoded: Encoded, rows: Sequence[Array]) -> list[Array]:
        """Return each row with its evidence above the threshold; all is in scope while unset."""
        return self._above(rows, self._scope.threshold)

    def from_tokens(
        self, targets: Sequence[Array], rows: Sequence[Array]
    ) -> tuple[list[Example], list[Array]]:
        """Return the label of each index, and logits; an open threshold is set on these very rows.

        Epochs are so compared at what each would be served with.
        """
        names = [*self.outputs, self._scope.label]  # NO_LABEL is the last
        examples: list[Example] = [{"label": names[int(index)]} for index in targets]
        return examples, self._above(rows, self._threshold(targets, rows) if len(rows) else None)

    def _above(self, rows: Sequence[Array], threshold: float | None) -> list[Array]:
        above = [
            0.0 if threshold is None else self._scope.evidence(row) - threshold for row in rows
        ]
        return [np.append(row, each) for row, each in zip(rows, above, strict=True)]

    def _threshold(self, targets: Sequence[Array], rows: Sequence[Array]) -> float:
        inside = np.array([int(target) != NO_LABEL for target in targets])
        return self._scope.set_on(np.array([self._scope.evidence(row) for row in rows]), inside)

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options with the threshold that validation rows set."""
        threshold = self._threshold(targets, rows)
        scope = self._scope.model_copy(update={"threshold": threshold})
        return self.options.model_copy(update={"out_of_scope": scope})

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn logits, (labels + 1,) per example, into the most probable label, or none."""
        pairs = zip(super().decode([row[:-1] for row in logits]), logits, strict=True)
        return [answer if row[-1] >= 0 else self._refusal(answer) for answer, row in pairs]

    def _refusal(self, answer: Prediction) -> Prediction:
        """Return that the text is out of scope, as probably as its best label is wrong."""
        score = 1 - answer.score
        told = {"label": None, "score": round(score, DIGITS)}
        return Prediction(OUT, score, {**answer.value, **told})

    def _best(self, logits: Array) -> Array:
        best = super()._best(logits[:, :-1])
        return np.where(logits[:, -1] >= 0, best, len(self.outputs))

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, 2 labels + 1): as without, then whether the text is out of scope."""
        outside = np.array([[example["label"] == self._scope.label] for example in examples])
        return np.concatenate([super().tallies(examples, logits), outside], axis=1)

    def score(self, tallies: Array, name: str | None = None) -> Array:
        """Return accuracy or macro F1 with out of scope as a label more, or what either kind has.

        That is NaN without such an example (Larson et al., EMNLP 2019, arXiv:1909.02027).
        """
        counts, outside = tallies[..., :-1], tallies[..., -1]
        hits, total = np.split(counts, 2, axis=-1)
        if name == "in_scope_accuracy":
            return share(hits[..., :-1].sum(axis=-1), total.sum(axis=-1) / 2 - outside)
        if name == "out_of_scope_recall":
            return share(hits[..., -1], outside)
        return super().score(counts, name)

    def samples(self) -> Sequence[Example]:
        """Return a text in scope and one that is not."""
        first, second = super().samples()
        return first, {**second, "label": self._scope.label}


def build(options: TaskOptions) -> Task:
    """Return the task for these options."""
    options = cast(Options, options)
    scope = options.out_of_scope
    return Classification(options) if scope is None else Scoped(options, scope)
