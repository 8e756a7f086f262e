"""In: nothing. Out: what a task provides whose answers are texts, embedded as the question is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from components.tasks.base import Array, Example, Task


@runtime_checkable
class Anchored(Protocol):
    """A task whose labels are known by their texts, so that training need not have seen them.

    The model turns a text into a vector, whatever it is: a question or one of the anchors. Its
    `outputs` are empty, as many as the encoder is wide.
    """

    @property
    def scale(self) -> float:
        """What cosines are multiplied with to become logits."""

    def anchors(self) -> Sequence[Example]:
        """Return the labels' texts as requests, in the order of the labels."""

    def against(self, rows: Array, anchors: Array) -> Array:
        """Return (rows, labels) float32 logits of vectors, (rows, width), by (labels, width)."""


def anchored(task: Task) -> Anchored | None:
    """Return the task as one with anchors, or None where it has none."""
    return task if isinstance(task, Anchored) else None
