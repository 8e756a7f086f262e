"""In: recorded answers of retrained models. Out: test sets drawn from them, and planted changes.

What was recorded stands for all the requests there are: a difference on all of it is the truth,
and a test set is drawn from it by whole groups, as new customers would come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np

from components.gate.answers import Answers
from components.gate.compare import Pair
from components.inference import Bundle
from components.schema import GROUP, SLICE_PREFIX
from components.tasks import load_task
from components.tasks.base import Array, Example, Prediction, Task, metrics
from components.tasks.classification import Options

RECORDED: Final = Path(__file__).resolve().parent / "recorded" / "tickets.npz"


@dataclass(frozen=True)
class Population:
    """All the rows there are.

    Attributes:
        task: scores them.
        labels: (rows,) index of the true label.
        members: per group, its rows.
        slices: per slice column, (rows,) values.
        answers: (seeds, rows) index of each model's answer.
    """

    task: Task
    labels: Array
    members: list[Array]
    slices: Mapping[str, Array]
    answers: Array

    def metric(self, given: Array, rows: Array | slice = slice(None)) -> float:
        """Return the task's metric of (rows,) answers, on some rows."""
        logits = np.eye(len(self.task.labels))[given[rows]]
        examples = [{"label": self.task.labels[label]} for label in self.labels[rows]]
        return metrics(self.task, examples, list(logits))[self.task.metric]

    def parts(self) -> dict[str, Array]:
        """Return the rows of every slice, by the name that the gate's report gives it."""
        return {
            f"{column.removeprefix(SLICE_PREFIX)}: {value}": np.flatnonzero(values == value)
            for column, values in self.slices.items()
            for value in np.unique(values)
        }

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw about so many rows, whole groups with replacement.

        Returns:
            (drawn,) row numbers, and (drawn,) the number of the drawing they came with.
        """
        count = round(rows * len(self.members) / len(self.labels))
        parts = [self.members[group] for group in rng.integers(0, len(self.members), count)]
        return np.concatenate(parts), np.repeat(np.arange(count), [len(part) for part in parts])

    def pair(self, candidate: Array, champion: Array, drawn: tuple[Array, Array]) -> Pair:
        """Return both models' (drawn,) answers to a drawn test set, as the gate has them."""
        rows, groups = drawn
        examples: list[Example] = [
            {
                "label": self.task.labels[self.labels[row]],
                GROUP: str(group),
                **{name: values[row] for name, values in self.slices.items()},
            }
            for row, group in zip(rows, groups, strict=True)
        ]
        new, old = (self._answers(given, rows, examples) for given in (candidate, champion))
        return Pair(new, old, list(range(len(rows))), 0)

    def _answers(self, given: Array, rows: Array, examples: list[Example]) -> Answers:
        bundle = cast(Bundle, SimpleNamespace(task=self.task))
        logits = list(np.eye(len(self.task.labels))[given])
        told = [Prediction("", 1.0, logits[0])] * len(given)  # the comparison never looks at them
        return Answers(bundle, examples, logits, told, given == self.labels[rows])


def load(path: Path = RECORDED) -> Population:
    """Read what `benchmarks.record` wrote."""
    with np.load(path) as stored:
        found: dict[str, Any] = dict(stored)
    order = np.argsort(found["groups"], kind="stable")
    ends = np.cumsum(np.bincount(found["groups"]))[:-1]
    labels = tuple(str(name) for name in found["names"])
    return Population(
        task=load_task(Options(kind="classification", labels=labels, out_of_scope=None)),
        labels=found["labels"].astype(np.int64),
        members=np.split(order, ends),
        slices={name: found[name] for name in found if name.startswith(SLICE_PREFIX)},
        answers=found["answers"].astype(np.int64),
    )


def plant(
    all_rows: Population,
    candidate: Array,
    champion: Array,
    change: float,
    rng: np.random.Generator,
    rows: Array | None = None,
) -> Array:
    """Return the candidate's answers with so many more right or wrong that the truth is `change`.

    The true difference in the metric, on `rows` if given, is `change` or the next value below.
    """
    own = np.arange(len(candidate)) if rows is None else rows
    target = all_rows.metric(champion, own) + change
    worse = all_rows.metric(candidate, own) > target
    wrong = own[(candidate[own] == all_rows.labels[own]) == worse]
    order = rng.permutation(wrong)
    labels = len(all_rows.task.labels)
    others = (all_rows.labels[order] + rng.integers(1, labels, len(order))) % labels
    new = others if worse else all_rows.labels[order]

    def turned(count: int) -> Array:
        given = candidate.copy()
        given[order[:count]] = new[:count]
        return given

    def below(count: int) -> bool:
        return all_rows.metric(turned(count), own) <= target

    count = _first(lambda n: below(n) == worse, len(order))
    return turned(count if worse else count - 1)


def plant_slices(
    all_rows: Population,
    candidate: Array,
    champion: Array,
    change: float,
    rng: np.random.Generator,
) -> Array:
    """Return the candidate's answers with so many more wrong that `change` is true in all slices.

    In some slices the true difference is a little below it, since slices of two columns overlap.
    """
    parts = list(all_rows.parts().values())
    within = np.array([np.isin(np.arange(len(candidate)), part) for part in parts])
    targets = np.array([all_rows.metric(champion, part) + change for part in parts])
    given, labels = candidate.copy(), len(all_rows.task.labels)
    while True:
        gaps = np.array([all_rows.metric(given, part) for part in parts]) - targets
        above = within[gaps > 0].sum(axis=0)  # (rows,) of how many slices that are still above
        right = given == all_rows.labels
        if not above.any():
            return given
        rows = np.flatnonzero(right & (above == above[right].max()))
        # A third of what is missing, so that no slice falls far below.
        missing = (gaps * within.sum(axis=1))[gaps > 0].min()
        turned = rng.permutation(rows)[: max(1, int(missing / 3))]
        given[turned] = (given[turned] + rng.integers(1, labels, len(turned))) % labels


def _first(holds: Callable[[int], bool], most: int) -> int:
    """Return the least number that holds, given that all after it do."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
