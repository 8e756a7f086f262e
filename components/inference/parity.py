"""In: one model as torch and as graphs, and texts. Out: where their answers part, one by one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from components.errors import DataError
from components.inference.predictor import Predictor, batches
from components.schema import ID
from components.tasks.base import Array, Example, Task

LISTED: Final = 50
WARM_UP: Final = 10
STRETCH: Final = 2
KINDS: Final = ("broken", "fixed", "neutral")  # the order in which a reader wants to see them


@dataclass(frozen=True)
class Answered:
    """What one artifact answers to examples, in their order.

    Attributes:
        logits: each example's, (labels,), predicted in batches.
        dependent: the examples, by index, whose answer is not the same alone, in a batch, and
            padded to twice its length.
        milliseconds: each example's time alone, from text to logits.
    """

    logits: list[Array]
    dependent: list[int]
    milliseconds: list[float]


def answer(predictor: Predictor, examples: Sequence[Example], batch_size: int) -> Answered:
    """Predict every example three times: in a batch, alone, and padded further."""
    together = predictor.logits(examples, batch_size)
    alone, milliseconds = _alone(predictor, examples)
    padded = _padded(predictor, examples, batch_size)
    task = predictor.bundle.task
    rows = zip(*(labels(task, logits) for logits in (together, alone, padded)), strict=True)
    dependent = [index for index, row in enumerate(rows) if len(set(row)) > 1]
    return Answered(together, dependent, milliseconds)


def compare(
    task: Task,
    torch: Sequence[Array],
    artifacts: Mapping[str, Answered],
    examples: Sequence[Example],
) -> dict[str, Any]:
    """Compare logits and answers, example by example, against torch's.

    Args:
        task: whose answers they are.
        torch: the trained model's logits, (labels,) per example.
        artifacts: what the others answered; of `int8` the changed answers are listed.
        examples: with their true labels.

    Returns:
        rows; per artifact the largest difference of any logit, the answers that differ from
        torch's, those that depend on batch or padding, and how many are fixed (now right), broken
        (no longer right) or neutral (wrong before and after); flips, at most 50, broken first.

    Raises:
        DataError: there are no examples.
    """
    if not examples:
        raise DataError("there are no examples to compare answers on", "give the split some rows")
    expected = labels(task, torch)
    kinds = {
        name: _kinds(expected, labels(task, answered.logits), examples)
        for name, answered in artifacts.items()
    }
    return {
        "rows": len(examples),
        "artifacts": {
            name: {
                "max_logit_difference": largest(torch, answered.logits),
                "disagreements": len(kinds[name]),
                "batch_dependent": len(answered.dependent),
                **{kind: list(kinds[name].values()).count(kind) for kind in sorted(KINDS)},
            }
            for name, answered in artifacts.items()
        },
        "flips": _flips(task, expected, artifacts.get("int8"), kinds.get("int8", {}), examples),
    }


def labels(task: Task, logits: Sequence[Array]) -> list[str]:
    """Return each example's answer."""
    return [prediction.label for prediction in task.decode(logits)]


def largest(one: Sequence[Array], other: Sequence[Array]) -> float:
    """Return the largest difference of any logit."""
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def _alone(predictor: Predictor, examples: Sequence[Example]) -> tuple[list[Array], list[float]]:
    predictor.logits(examples[:WARM_UP], 1)
    found, milliseconds = [], []
    for example in examples:
        start = time.perf_counter()
        found += predictor.logits([example], 1)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return found, milliseconds


def _padded(predictor: Predictor, examples: Sequence[Example], batch_size: int) -> list[Array]:
    """Predict each batch at twice the length of its longest text, as far as the model reads."""
    card, task = predictor.bundle.card, predictor.bundle.task
    rows = task.encode(predictor.bundle.tokenizer, examples, card.max_length).input_ids
    lengths = [len(row) for row in rows]
    out: list[Array] = [np.empty(0)] * len(rows)
    for batch in batches(lengths, batch_size):
        length = min(card.max_length, STRETCH * lengths[batch[-1]])
        found = predictor.logits([examples[index] for index in batch], batch_size, length)
        for index, logits in zip(batch, found, strict=True):
            out[index] = logits
    return out


def _kinds(
    expected: Sequence[str], found: Sequence[str], examples: Sequence[Example]
) -> dict[int, str]:
    """Return, for each example that is answered otherwise, what that means by its true label."""
    kinds = {}
    for index, (before, now) in enumerate(zip(expected, found, strict=True)):
        if before != now:
            truth = examples[index].get("label")
            meaning = {before: "broken", now: "fixed"}
            kinds[index] = "neutral" if truth is None else meaning.get(truth, "neutral")
    return kinds


def _flips(
    task: Task,
    expected: Sequence[str],
    int8: Answered | None,
    kinds: Mapping[int, str],
    examples: Sequence[Example],
) -> list[dict[str, Any]]:
    if int8 is None:
        return []
    found = labels(task, int8.logits)
    order = sorted(kinds, key=lambda index: (KINDS.index(kinds[index]), index))
    return [
        {
            "id": examples[index][ID],
            "text": task.editable(examples[index]),
            "label": examples[index].get("label"),
            "torch": expected[index],
            "int8": found[index],
            "kind": kinds[index],
        }
        for index in order[:LISTED]
    ]
