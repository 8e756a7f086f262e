"""In: two models' answers to the same examples. Out: how they differ, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import binomtest

from components.tasks.base import Array

# Resamples per matrix product: bounds memory at some 100 MB for 10,000 groups.
CHUNK: Final = 256
EVEN: Final = 0.5

Score = Callable[[Array], Array]


@dataclass(frozen=True)
class Difference:
    """The candidate's metric less the champion's, with one-sided confidence bounds.

    Attributes:
        estimate: on all examples.
        low: the true difference is above it, at the confidence asked for.
        high: the true difference is below it, at the confidence asked for.
        groups: clusters that were resampled.
    """

    estimate: float
    low: float
    high: float
    groups: int


@dataclass(frozen=True)
class Flips:
    """Answers that changed between right and wrong.

    Attributes:
        fixed: wrong by the champion, right by the candidate.
        broken: right by the champion, wrong by the candidate.
        p_value: of the exact McNemar test, two-sided; 1 when nothing changed.
    """

    fixed: int
    broken: int
    p_value: float


def by_group(tallies: Array, groups: Sequence[str]) -> Array:
    """Return (groups, tallies): the sums over the examples of each group."""
    _, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, tallies.shape[1]))
    np.add.at(sums, index, tallies)
    return sums


def paired_bootstrap(
    score: Sequence[Score],
    sums: Sequence[Array],
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Difference:
    """Bound the difference of a metric between two models by resampling whole groups.

    Both models are scored on the very same draw each time, so that what makes a draw hard or easy
    for both cancels out; examples of one group stay together, since they resemble one another.
    Percentile bounds: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Args:
        score: of candidate and champion: sums of tallies, (..., tallies), to the metric, (...).
        sums: of candidate and champion: (groups, tallies), groups in the same order.
        resamples: how many draws.
        confidence: of each bound.
        rng: where the draws come from.
    """
    candidate, champion = sums
    groups = len(candidate)
    parts = []
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        draws = rng.integers(0, groups, (size, groups)) + groups * np.arange(size)[:, None]
        weights = np.bincount(draws.ravel(), minlength=size * groups).reshape(size, groups)
        drawn = weights.astype(np.float64)  # (resamples, groups)
        parts.append(score[0](drawn @ candidate) - score[1](drawn @ champion))
    low, high = np.quantile(np.concatenate(parts), [1 - confidence, confidence])
    estimate = score[0](candidate.sum(axis=0)) - score[1](champion.sum(axis=0))
    return Difference(float(estimate), float(low), float(high), groups)


def mcnemar(candidate: Array, champion: Array) -> Flips:
    """Test whether accuracy differs, exactly, from the answers that changed.

    McNemar, Psychometrika 12, 1947, with the binomial distribution in place of chi-squared.

    Args:
        candidate: (examples,) whether its answer is right.
        champion: (examples,) likewise.
    """
    fixed = int((candidate & ~champion).sum())
    broken = int((~candidate & champion).sum())
    changed = fixed + broken
    p_value = float(binomtest(fixed, changed, EVEN).pvalue) if changed else 1.0
    return Flips(fixed, broken, p_value)
