"""In: two models' answers to the same examples. Out: how they differ, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import binomtest

from components.gate.bootstrap import Figure, Score, spreads
from components.holm import holm
from components.tasks.base import Array

EVEN: Final = 0.5


@dataclass(frozen=True)
class Interval:
    """A figure in [0, 1], or a correlation in [-1, 1], and its two-sided interval.

    Attributes:
        estimate: on all examples; NaN, as all else, where there is nothing to score.
        low: lower bound.
        high: upper bound.
        se: standard error.
    """

    estimate: float
    low: float
    high: float
    se: float


@dataclass(frozen=True)
class Difference:
    """The candidate's figure less the champion's, and its two-sided interval.

    Attributes:
        estimate: on all examples; NaN, as all else, where there is nothing to score.
        low: lower bound.
        high: upper bound.
        se: standard error.
        groups: clusters that were resampled.
    """

    estimate: float
    low: float
    high: float
    se: float
    groups: int


@dataclass(frozen=True)
class SliceDifference:
    """The difference within a slice; its interval is not adjusted for how many slices there are.

    Attributes:
        estimate: on the slice's examples; NaN, as the interval, where there is nothing to score.
        low: lower bound.
        high: upper bound.
        se: standard error.
        groups: clusters with examples in the slice.
        p_value: one-sided, that a candidate worse by the margin or more looks as good as this;
            adjusted over the judged slices; None for the others.
        p_worse: likewise, that a candidate worse by the margin or less looks as bad as this.
    """

    estimate: float
    low: float
    high: float
    se: float
    groups: int
    p_value: float | None
    p_worse: float | None


@dataclass(frozen=True)
class Slice:
    """The tallies of a slice.

    Attributes:
        index: (its groups,) their numbers among all groups.
        sums: of candidate and champion: (its groups, tallies).
        groups: how many there are in all.
        judged: whether it counts among those that must hold together.
    """

    index: Array
    sums: tuple[Array, Array]
    groups: int
    judged: bool


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
    """Return (groups, tallies): the sums over the examples of each group, groups by name."""
    _, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, tallies.shape[1]))
    np.add.at(sums, index, tallies)
    return sums


def slices_of(
    tallies: Sequence[Array],
    groups: Sequence[str],
    rows: Sequence[Sequence[int]],
    judged: Sequence[bool],
) -> list[Slice]:
    """Return each slice's tallies by group.

    Args:
        tallies: of candidate and champion: (examples, tallies).
        groups: of every example.
        rows: per slice, the numbers of its examples.
        judged: per slice, whether it must hold.
    """
    names, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    found = []
    for members, counts in zip(rows, judged, strict=True):
        own, place = np.unique(index[list(members)], return_inverse=True)
        sums = [np.zeros((len(own), each.shape[1])) for each in tallies]
        for total, each in zip(sums, tallies, strict=True):
            np.add.at(total, place, each[list(members)])
        found.append(Slice(own, (sums[0], sums[1]), len(names), counts))
    return found


def interval(
    score: Score, sums: Array, resamples: int, confidence: float, rng: np.random.Generator
) -> Interval:
    """Bound one model's score, which lies in [0, 1], by resampling whole groups.

    Args:
        score: sums of tallies, (..., tallies), to the score, (...).
        sums: (groups, tallies).
        resamples: how many draws.
        confidence: of the two-sided interval.
        rng: where the draws come from.
    """
    return intervals([(score, sums)], resamples, confidence, rng)[0]


def intervals(
    scored: Sequence[tuple[Score, Array]],
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
    least: Sequence[float] | None = None,
) -> list[Interval]:
    """Bound several scores of the same groups at once, which draws only once; see `interval`.

    `least` says how low each can be, where that is not 0: a bound that is cut short there would
    meet a floor that the score may well lie under.
    """
    figures = [Figure([score], [sums]) for score, sums in scored]
    found = []
    drawn = spreads(figures, len(scored[0][1]), resamples, rng)
    for spread, lowest in zip(drawn, least or [0.0] * len(scored), strict=True):
        low, high = spread.bounds(confidence)
        found.append(Interval(spread.estimate, max(low, lowest), min(high, 1.0), spread.se))
    return found


def difference(
    scores: Sequence[Score],
    sums: Sequence[Array],
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Difference:
    """Bound the difference of a score between two models by resampling whole groups.

    Args:
        scores: of candidate and champion: sums of tallies, (..., tallies), to the score, (...).
        sums: of candidate and champion: (groups, tallies), groups in the same order.
        resamples: how many draws.
        confidence: of the two-sided interval.
        rng: where the draws come from.
    """
    groups = len(sums[0])
    (spread,) = spreads([Figure(scores, sums)], groups, resamples, rng)
    return Difference(spread.estimate, *spread.bounds(confidence), spread.se, groups)


def slice_differences(
    scores: Sequence[Score],
    slices: Sequence[Slice],
    margin: float,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> list[SliceDifference]:
    """Bound the difference within each slice, and test it against the margin.

    A judged slice is shown not inferior when its `p_value` is at most (1 - confidence) / 2, and
    shown worse than the margin when its `p_worse` is.

    Args:
        scores: of candidate and champion: sums of tallies, (..., tallies), to the score, (...).
        slices: of the same examples; the groups of all of them are drawn.
        margin: of non-inferiority, above 0.
        resamples: how many draws.
        confidence: of the two-sided intervals.
        rng: where the draws come from.
    """
    if not slices:
        return []
    figures = [Figure(scores, each.sums, each.index) for each in slices]
    found = spreads(figures, slices[0].groups, resamples, rng)
    judged = [number for number, each in enumerate(slices) if each.judged]
    better, worse = (
        dict(zip(judged, holm([found[n].p_value(-margin, side) for n in judged]), strict=True))
        for side in (1, -1)
    )
    return [
        SliceDifference(
            spread.estimate,
            *spread.bounds(confidence),
            spread.se,
            len(slices[number].index),
            better.get(number),
            worse.get(number),
        )
        for number, spread in enumerate(found)
    ]


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
