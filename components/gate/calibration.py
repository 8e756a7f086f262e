"""In: answers, and which were right. Out: the expected calibration error, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from components.bootstrap import Figure, Question, Spread, by_group
from components.calibration import calibration, calibration_error, calibration_tallies
from components.tasks.base import Array, Prediction

# Where a bin is well calibrated, resampling adds less than half of the chance that it has already.
TWICE: Final = 2.0


@dataclass(frozen=True)
class Ask:
    """How the error is measured.

    Attributes:
        bins: of equal width.
        confidence: of the two-sided interval.
    """

    bins: int
    confidence: float


def ask_calibration(
    predictions: Sequence[Prediction], right: Array, groups: Sequence[str], ask: Ask
) -> Question[dict[str, Any]]:
    """Ask for the expected calibration error with its interval, and the bins.

    Chance in a bin never cancels out, since its part counts without sign: the error of few rows is
    too large on average, and that of resampled rows, which have chance twice, larger still. The
    upper bound keeps this, so it errs on the careful side; the lower one is moved down by twice it.

    Args:
        predictions: with the probability of each answer.
        right: (rows,) whether it was right.
        groups: of each row.
        ask: how it is measured.
    """
    sure = np.array([each.score for each in predictions])
    sums = by_group(calibration_tallies(sure, right, ask.bins), groups)

    def told(spreads: Sequence[Spread]) -> dict[str, Any]:
        (spread,) = spreads
        return _told(sure, right, spread, ask)

    return Question([Figure([calibration_error], [sums])], len(sums), told)


def _told(sure: Array, right: Array, spread: Spread, ask: Ask) -> dict[str, Any]:
    bias = float(spread.drawn.mean()) - spread.estimate if len(spread.drawn) else 0.0
    low, high = spread.bounds(ask.confidence)
    found = calibration(sure, right, ask.bins)
    return {
        "error": found["error"],
        "low": max(0.0, low - TWICE * max(bias, 0.0)),
        "high": min(1.0, high),
        "bins": found["bins"],
    }
