"""In: answers. Out: scores with intervals, confusion, calibration, and whatever else they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.errors import TouchstoneError
from components.gate.answers import Answers
from components.gate.calibration import Ask, calibration_interval
from components.gate.evidence import Evidence, Settings
from components.gate.leakage import leakage
from components.gate.rules import number
from components.gate.statistics import by_group, intervals, share, shares
from components.inference import Bundle
from components.inference.bundle import GRAPH
from components.params import GateParams
from components.seeding import derive, generator
from components.tasks.base import Array

LINEAGE = ("id", "data", "code", "params", "lock", "encoder")
SEEDS = ("trial", "scores", "mean", "spread")


def scores(params: GateParams, who: Answers, seed: int) -> dict[str, dict[str, float | None]]:
    """Return every metric of the task, with an interval where its tallies are known.

    Args:
        params: resamples and confidence.
        who: the answers.
        seed: of the gate.
    """
    found = intervals(
        [
            (share, by_group(shares(who.right), who.groups)),
            (who.task.score, by_group(who.task.tallies(who.examples, who.logits), who.groups)),
        ],
        params.resamples,
        params.confidence,
        generator(seed, "scores"),
    )
    bounds = dict(zip(("accuracy", who.task.metric), found, strict=True))
    return {
        name: {
            "estimate": number(value),
            "low": number(bounds[name].low) if name in bounds else None,
            "high": number(bounds[name].high) if name in bounds else None,
        }
        for name, value in who.metrics.items()
    }


def calibration(params: GateParams, settings: Settings, who: Answers) -> dict[str, Any]:
    """Return the expected calibration error with its interval, and its bins."""
    ask = Ask(
        bins=settings.bins,
        resamples=params.resamples,
        confidence=params.confidence,
        seed=derive(settings.seed, "calibration"),
    )
    return calibration_interval(who.predictions, who.right, who.groups, ask)


def confusion(labels: Sequence[str], who: Answers) -> list[list[int]]:
    """Count how often each true label (row) was answered by each label (column)."""
    index = {label: place for place, label in enumerate(labels)}
    matrix: Array = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for example, given in zip(who.examples, who.predictions, strict=True):
        matrix[index[example["label"]], index[given.label]] += 1
    counted: list[list[int]] = matrix.tolist()
    return counted


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
