"""In: nothing. Out: what every task file provides, in the order in which it provides it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

Array = npt.NDArray[Any]
Example = Mapping[str, Any]


class TaskOptions(BaseModel):
    """Options of a task: the `task` section of params.yaml."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    kind: str
    """The task's file name in components/tasks."""

    @classmethod
    def example(cls) -> Self:
        """Return small valid options: contract tests and API docs use them."""
        raise NotImplementedError(f"{cls.__module__} gives no example of its options")


@dataclass(frozen=True)
class Encoded:
    """Tokenized examples: ragged token ids, and one target row per example.

    Attributes:
        input_ids: per example, its token ids with special tokens, at most `max_length` of them.
        targets: (examples, ...) what the head learns; absent when the examples carry no labels.
        truncated: per example, how many tokens did not fit.
    """

    input_ids: list[list[int]]
    targets: Array | None
    truncated: list[int]


@dataclass(frozen=True)
class Prediction:
    """One answer in the user's terms.

    Attributes:
        label: the answer.
        score: its probability, in [0, 1].
        scores: (labels,) the probability of every label, in the order of the task's labels.
    """

    label: str
    score: float
    scores: Array

    def as_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return the answer as JSON values, its scores by label."""
        return {
            "label": self.label,
            "score": round(float(self.score), 6),
            "scores": {n: round(float(s), 6) for n, s in zip(labels, self.scores, strict=True)},
        }


class Task(Protocol):
    """What differs between tasks; numpy and tokenizers only, so that serving needs no torch."""

    @property
    def options(self) -> TaskOptions:
        """The options that made this task, which the bundle carries."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names, in the order of the head's logits."""

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that an example must have, as name to Arrow type alias."""

    @property
    def head(self) -> str:
        """The name of the transformers auto class."""

    @property
    def metric(self) -> str:
        """The name of the metric that search maximizes and the gate compares, in [0, 1]."""

    def reject(self, example: Example) -> str | None:
        """Return why this row cannot be used ("unknown_label"), or None; never raises."""

    def encode(self, tokenizer: Tokenizer, examples: Sequence[Example], max_length: int) -> Encoded:
        """Tokenize examples; targets are present only when the examples carry labels."""

    def collate(
        self, input_ids: Sequence[Sequence[int]], pad_id: int, length: int
    ) -> Mapping[str, Array]:
        """Pad to (batch, length) and add the attention mask: the graph's inputs by name."""

    def decode(self, logits: Sequence[Array]) -> list[Prediction]:
        """Turn each example's logits into an answer; numpy only."""

    def labelled(self, targets: Array) -> list[Example]:
        """Return, from (examples, ...) targets, as much of the examples as `metrics` reads."""

    def metrics(self, examples: Sequence[Example], logits: Sequence[Array]) -> dict[str, float]:
        """Score logits against the examples' labels; every value is finite."""

    def tallies(self, examples: Sequence[Example], logits: Sequence[Array]) -> Array:
        """Return (examples, tallies) counts that `score` takes the sum of, over any examples."""

    def score(self, tallies: Array) -> Array:
        """Return `metric`, (...), of summed tallies, (..., tallies); NaN where there is nothing."""

    def editable(self, example: Example) -> str:
        """Return the text that augmentation may alter without touching the label."""

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with that text replaced and its label kept."""

    def samples(self) -> Sequence[Example]:
        """Return two labelled examples: contract tests, dummy inputs and API docs use them."""


def pad(rows: Iterable[Sequence[int]], value: int, length: int) -> Array:
    """Pad rows on the right with `value`.

    Returns:
        (batch, length) int64.
    """
    rows = list(rows)
    out = np.full((len(rows), length), value, dtype=np.int64)
    for index, row in enumerate(rows):
        out[index, : len(row)] = row
    return out
