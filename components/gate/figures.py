"""In: answers. Out: scores with intervals, confusion, calibration, and whatever else they tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from components.correlations import CORRELATIONS
from components.errors import TouchstoneError
from components.gate.answers import Answers
from components.gate.bootstrap import Score
from components.gate.calibration import Ask, calibration_intervals
from components.gate.evidence import Evidence, Settings
from components.gate.leakage import leakage
from components.gate.rules import number
from components.gate.statistics import Interval, by_group, intervals
from components.inference import Bundle
from components.inference.bundle import GRAPH
from components.params import GateParams
from components.seeding import derive, generator
from components.tasks.base import Array

Figures = dict[str, Any]

LINEAGE = ("id", "data", "code", "params", "lock", "encoder")
SEEDS = ("trial", "scores", "mean", "spread")


def both(
    models: Mapping[str, Answers | None], measure: Callable[[Sequence[Answers]], Sequence[Figures]]
) -> dict[str, Figures | None]:
    """Measure models by name; those that answered the same examples are measured on the same draws.

    Drawing takes most of the time, and the draws depend on seed and groups alone.
    """
    asked = {name: who for name, who in models.items() if who is not None}
    alike = len({tuple(who.groups) for who in asked.values()}) <= 1
    at_once = [list(asked.values())] if alike else [[who] for who in asked.values()]
    found = [figures for some in at_once for figures in measure(some)]
    return {**dict.fromkeys(models), **dict(zip(asked, found, strict=True))}


def scores(params: GateParams, models: Sequence[Answers], seed: int) -> list[Figures]:
    """Return, for models that answered the same examples, every metric of the task.

    Each with its interval.

    Args:
        params: resamples and confidence.
        models: the answers.
        seed: of the gate.
    """
    found = intervals(
        [scored for who in models for scored in _scored(who)],
        params.resamples,
        params.confidence,
        generator(seed, "scores"),
        [-1.0 if name in CORRELATIONS else 0.0 for who in models for name in who.task.figures],
    )
    bounds = iter(found)
    return [{name: _bounded(next(bounds)) for name in who.task.figures} for who in models]


def _scored(who: Answers) -> list[tuple[Score, Array]]:
    sums = by_group(who.task.tallies(who.examples, who.logits), who.groups)
    return [(partial(who.task.score, name=name), sums) for name in who.task.figures]


def _bounded(found: Interval) -> Figures:
    return {name: number(getattr(found, name)) for name in ("estimate", "low", "high")}


def calibration(params: GateParams, settings: Settings, models: Sequence[Answers]) -> list[Figures]:
    """Return, for models that answered the same examples, the expected calibration error.

    With its interval, and its bins.
    """
    ask = Ask(
        bins=settings.bins,
        resamples=params.resamples,
        confidence=params.confidence,
        seed=derive(settings.seed, "calibration"),
    )
    answered = [(who.predictions, who.right) for who in models]
    return calibration_intervals(answered, models[0].groups, ask)


def confusion(labels: Sequence[str], who: Answers) -> list[list[int]] | None:
    """Count how often each true label (row) was answered by each label (column), if it can be."""
    return who.task.confusion(who.examples, who.predictions, labels)


def by_label(who: Answers) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and true rows of each label."""
    return who.task.table(who.examples, who.predictions)


def mistakes(who: Answers) -> dict[str, int]:
    """Count the task's own kinds of mistakes by name."""
    return dict(who.task.mistakes(who.examples, who.predictions))


def union(candidate: Sequence[str], champion: Sequence[str]) -> list[str]:
    """Return the candidate's labels in their order, then those that only the champion has."""
    return [*candidate, *(label for label in champion if label not in set(candidate))]


def size(bundle: Bundle) -> int:
    """Return the bytes of a served graph."""
    return (bundle.folder / GRAPH).stat().st_size


def lineage(who: Answers) -> dict[str, str | None]:
    """Return what a bundle was made from; None for what its card does not name."""
    return {name: who.bundle.card.lineage.get(name) for name in LINEAGE}


def seeds(finalists: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what the winner of the search scored with several seeds, or None."""
    listed = (finalists or {}).get("trials")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("trial") == (finalists or {}).get("winner"):
            return {name: entry.get(name) for name in SEEDS}
    return None


def leaks(evidence: Evidence, who: Answers) -> dict[str, Any]:
    """Return which test examples stand in training; counts are None where that cannot be told."""
    try:
        return leakage(who.task, who.examples, evidence.augmented)
    except TouchstoneError:
        names = ("exact", "variants", "children", "near", "near_share")
        return {"rows": len(who.examples), **dict.fromkeys(names), "examples": []}
