"""In: nothing. Out: objectives that cost nothing, for searches with finalists."""

from __future__ import annotations

import math
from typing import Any

from components.params import TrainingParams
from components.search import Objective, Report, Trial

FINALISTS = {"trials": 2, "seeds": 2, "minutes": None}
OWN_SEED = 7


def noisy(training: TrainingParams, seed: int, report: Report) -> float:
    """Score by the values, and by luck that depends on the seed and the values."""
    luck = (seed * 7919 + int(training.learning_rate * 1e6)) % 100 / 1000
    for epoch in range(1, training.epochs + 1):
        report(epoch, epoch / 10)
    return 0.5 + training.dropout / 10 + luck


def recorder(objective: Objective) -> tuple[list[tuple[TrainingParams, int]], Objective]:
    calls: list[tuple[TrainingParams, int]] = []

    def recorded(training: TrainingParams, seed: int, report: Report) -> float:
        calls.append((training, seed))
        return objective(training, seed, report)

    return calls, recorded


def distance(training: TrainingParams, _: int, report: Report) -> float:
    """Score best at a rate of 1e-3, as an objective that learns a little more each epoch."""
    best = 1.0 - abs(math.log10(training.learning_rate) + 3) / 3 - training.dropout / 10
    for epoch in range(1, training.epochs + 1):
        report(epoch, best * epoch / training.epochs)
    return best


def values(trials: tuple[Trial, ...]) -> list[dict[str, Any]]:
    return [dict(trial.values) for trial in trials]
