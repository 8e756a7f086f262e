"""In: nothing. Out: what tasks share that have one row and one answer per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from components.arrays import collate
from components.spans import Span
from components.tasks.base import Alter, Array, Encoded, Example, Prediction, TaskOptions


class Whole:
    """What tasks share that have one row and one answer per example."""

    inputs: tuple[str, ...] = ("text",)
    answers: tuple[str, ...] = ("label", "score", "scores")
    head = "AutoModelForSequenceClassification"
    per_token = False
    points = False
    tunes = False
    options: TaskOptions

    def collate(
        self, input_ids: Sequence[Sequence[int]], pad_id: int, length: int
    ) -> Mapping[str, Array]:
        """Pad to (batch, length) and add the attention mask."""
        return collate(input_ids, pad_id, length)

    def gather(self, encoded: Encoded, rows: Sequence[Array]) -> list[Array]:
        """Return the rows: there is one per example."""
        return list(rows)

    def told(self, example: Example, answer: Prediction) -> Prediction:
        """Return the answer, which says all there is."""
        return answer

    def renamed(self, field: str, value: str, table: Mapping[str, str]) -> str:
        """Return what the whole value stands for."""
        return table.get(value, value)

    def same(self, example: Example, edited: Example, answers: Sequence[Prediction]) -> bool:
        """Return whether two answers are the same."""
        return len({answer.label for answer in answers}) == 1

    def tags(self, example: Example) -> Sequence[str]:
        """Return nothing: the answer is no label."""
        return ()

    def marked(self, example: Example) -> Sequence[Span]:
        """Return nothing: the answer belongs to the whole text."""
        return ()

    def table(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> list[dict[str, Any]]:
        """Return nothing: there are no labels."""
        return []

    def confusion(
        self, examples: Sequence[Example], answers: Sequence[Prediction], labels: Sequence[str]
    ) -> list[list[int]] | None:
        """Return None: an example has not just one label."""
        return None

    def mistakes(
        self, examples: Sequence[Example], answers: Sequence[Prediction]
    ) -> Mapping[str, int]:
        """Return nothing: an answer is right or wrong."""
        return {}

    def tuned(self, targets: Sequence[Array], rows: Sequence[Array]) -> TaskOptions:
        """Return the options as they are."""
        return self.options

    def editable(self, example: Example) -> str:
        """Return the whole text: no word of it is the label."""
        return cast(str, example["text"])

    def edited(self, example: Example, text: str) -> dict[str, Any]:
        """Return the example with another text."""
        return {**example, "text": text}

    def kept(self, example: Example) -> Sequence[tuple[int, int]]:
        """Return nothing: no word of the text is the label."""
        return ()

    def edits(self, rows: Sequence[Example]) -> Mapping[str, Alter]:
        """Return nothing: there is but a text to edit."""
        return {}

    def content(self, example: Example) -> str:
        """Return the text."""
        return cast(str, example["text"])
