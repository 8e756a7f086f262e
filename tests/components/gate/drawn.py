"""In: what the gate asks of resampling. Out: each answer by itself, on draws of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.bootstrap import Score, answer
from components.gate.calibration import Ask, ask_calibration
from components.gate.statistics import (
    Difference,
    Interval,
    Slice,
    SliceDifference,
    ask_difference,
    ask_intervals,
    ask_slices,
)
from components.seeding import generator
from components.tasks.base import Array, Prediction


def interval(
    score: Score, sums: Array, resamples: int, confidence: float, rng: np.random.Generator
) -> Interval:
    """Bound one score."""
    return intervals([(score, sums)], resamples, confidence, rng)[0]


def intervals(
    scored: Sequence[tuple[Score, Array]],
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
    least: Sequence[float] | None = None,
) -> list[Interval]:
    """Bound several scores on the same draws."""
    return answer(ask_intervals(scored, confidence, least), resamples, rng)


def difference(
    scores: Sequence[Score],
    sums: Sequence[Array],
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Difference:
    """Bound the difference of a score between two models."""
    return answer(ask_difference(scores, sums, confidence), resamples, rng)


def slice_differences(
    scores: Sequence[Score],
    slices: Sequence[Slice],
    margin: float,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> list[SliceDifference]:
    """Bound the difference within each slice."""
    return answer(ask_slices(scores, slices, margin, confidence), resamples, rng)


def calibration_interval(
    predictions: Sequence[Prediction], right: Array, groups: Sequence[str], ask: Ask
) -> dict[str, Any]:
    """Bound the expected calibration error by 1,000 draws."""
    question = ask_calibration(predictions, right, groups, ask)
    return answer(question, 1000, generator(3, "calibration"))
