"""In: one model as torch and as graphs, and texts. Out: where their answers part, one by one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from components.errors import DataError
from components.inference.predictor import Predictor
from components.schema import ID
from components.tasks.base import Array, Example, Prediction, Task, predictions

LISTED: Final = 50
WARM_UP: Final = 10
STRETCH: Final = 2
KINDS: Final = ("broken", "fixed", "neutral")  # the order in which a reader wants to see them


@dataclass(frozen=True)
class Answered:
    """What one artifact answers to examples, in their order.

    Attributes:
        logits: each example's, predicted in batches.
        dependent: the examples, by index, whose answer is not the same alone, in a batch, and
            padded to twice its length.
        milliseconds: each example's time alone, from text to logits.
        answers: to each example, predicted in batches.
    """

    logits: list[Array]
    dependent: list[int]
    milliseconds: list[float]
    answers: list[Prediction]


def answer(predictor: Predictor, examples: Sequence[Example], batch_size: int) -> Answered:
    """Predict every example three times: in a batch, alone, and padded further."""
    together = predictor.logits(examples, batch_size)
    alone, milliseconds = _alone(predictor, examples)
    padded = predictor.logits(examples, batch_size, STRETCH)
    task = predictor.bundle.task
    answers = [predictions(task, examples, each) for each in (together, alone, padded)]
    rows = enumerate(zip(examples, *answers, strict=True))
    dependent = [
        at
        for at, (example, first, *others) in rows
        if not all(task.same(example, example, (first, other)) for other in others)
    ]
    return Answered(together, dependent, milliseconds, answers[0])


def compare(
    task: Task,
    torch: Sequence[Array],
    artifacts: Mapping[str, Answered],
    examples: Sequence[Example],
) -> dict[str, Any]:
    """Compare logits and answers, example by example, against torch's.

    Args:
        task: whose answers they are.
        torch: the trained model's logits, per example.
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
    expected = predictions(task, examples, torch)
    found = {name: a.answers for name, a in artifacts.items()}
    kinds = {name: _kinds(task, expected, given, examples) for name, given in found.items()}
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
        "flips": _flips(task, (expected, found["int8"]), kinds["int8"], examples)
        if "int8" in found
        else [],
    }


def largest(one: Sequence[Array], other: Sequence[Array]) -> float:
    """Return the largest difference of any logit."""
    # A text without words has no logits, when words are what is answered.
    return max(float(np.abs(a - b).max(initial=0)) for a, b in zip(one, other, strict=True))


def _alone(predictor: Predictor, examples: Sequence[Example]) -> tuple[list[Array], list[float]]:
    predictor.logits(examples[:WARM_UP], 1)
    found, milliseconds = [], []
    for example in examples:
        start = time.perf_counter()
        found += predictor.logits([example], 1)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return found, milliseconds


def _kinds(
    task: Task,
    expected: Sequence[Prediction],
    found: Sequence[Prediction],
    examples: Sequence[Example],
) -> dict[int, str]:
    """Return, for each example that is answered otherwise, what that means by its true answer."""
    meaning = {(True, False): "broken", (False, True): "fixed"}
    before, now = task.right(examples, expected), task.right(examples, found)
    return {
        index: meaning.get((bool(before[index]), bool(now[index])), "neutral")
        for index, pair in enumerate(zip(expected, found, strict=True))
        if not task.same(examples[index], examples[index], pair)
    }


def _flips(
    task: Task,
    answers: tuple[Sequence[Prediction], Sequence[Prediction]],
    kinds: Mapping[int, str],
    examples: Sequence[Example],
) -> list[dict[str, Any]]:
    """Return at most 50 changed answers, of torch and int8, broken ones first."""
    order = sorted(kinds, key=lambda index: (KINDS.index(kinds[index]), index))
    return [
        {
            "id": examples[index][ID],
            "text": task.content(examples[index]),
            "label": task.truth(examples[index]),
            "torch": answers[0][index].label,
            "int8": answers[1][index].label,
            "kind": kinds[index],
        }
        for index in order[:LISTED]
    ]
