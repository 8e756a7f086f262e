"""In: values that a trial tries. Out: what trains with them, and what it may tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from components.errors import DivergenceError
from components.params import SearchParams, TrainingParams, overlay
from components.search.space import ORIGIN

Report = Callable[[int, float], None]


class Pruned(Exception):  # noqa: N818 - no error: it ends a trial that is not worth its time
    """Raised by `report`: the trial must stop; the objective lets it pass."""


class Objective(Protocol):
    """Trains once and returns the validation score of the best epoch."""

    def __call__(self, training: TrainingParams, trial_seed: int, report: Report, /) -> float:
        """Call `report(epoch, score)` after each epoch, epochs from 1."""


def section_of(
    params: SearchParams, training: TrainingParams, values: Mapping[str, Any], trial: int
) -> TrainingParams:
    """Return the training section of a trial: as many epochs as trials have, and its values."""
    return overlay(training, {**values, "epochs": params.epochs}, f"{ORIGIN}, trial {trial}")


def finite(score: float) -> float:
    """Return the score.

    Raises:
        DivergenceError: it is NaN or infinite, which would compare as no score does.
    """
    if not math.isfinite(score):
        raise DivergenceError(f"search: a score must be finite, found {score}", "lower the rate")
    return score
