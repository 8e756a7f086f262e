"""In: two models' answers to the same examples. Out: how they differ, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from components.bootstrap import Figure, Question, Score, Spread, Sums, membership
from components.holm import holm
from components.tasks.base import Array


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
        sums: of candidate and champion: (its groups, tallies), sparse.
        groups: how many there are in all.
        judged: whether it counts among those that must hold together.
    """

    index: Array
    sums: tuple[Sums, Sums]
    groups: int
    judged: bool


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
    # Most tallies of an example are 0, and every example is in as many slices as there are columns.
    few = [sparse.csr_array(each) for each in tallies]
    found = []
    for members, counts in zip(rows, judged, strict=True):
        own, place = np.unique(index[list(members)], return_inverse=True)
        new, old = (membership(place, len(own)) @ each[list(members)] for each in few)
        found.append(Slice(own, (new, old), len(names), counts))
    return found


def ask_intervals(
    scored: Sequence[tuple[Score, Array]], confidence: float, least: Sequence[float] | None = None
) -> Question[list[Interval]]:
    """Ask for bounds of scores of one model, which lie in [0, 1], by resampling whole groups.

    Args:
        scored: scores, of summed tallies (..., tallies) to (...), each with (groups, tallies).
        confidence: of the two-sided interval.
        least: how low each can be, where that is not 0: a bound that is cut short there would
            meet a floor that the score may well lie under.
    """
    lowest = least or [0.0] * len(scored)

    def told(spreads: Sequence[Spread]) -> list[Interval]:
        found = []
        for spread, bottom in zip(spreads, lowest, strict=True):
            low, high = spread.bounds(confidence)
            found.append(Interval(spread.estimate, max(low, bottom), min(high, 1.0), spread.se))
        return found

    return Question([Figure([score], [sums]) for score, sums in scored], len(scored[0][1]), told)


def ask_difference(
    scores: Sequence[Score], sums: Sequence[Array], confidence: float
) -> Question[Difference]:
    """Ask how much a score differs between two models, by resampling whole groups.

    Args:
        scores: of candidate and champion: sums of tallies, (..., tallies), to the score, (...).
        sums: of candidate and champion: (groups, tallies), groups in the same order.
        confidence: of the two-sided interval.
    """
    groups = len(sums[0])

    def told(spreads: Sequence[Spread]) -> Difference:
        (spread,) = spreads
        return Difference(spread.estimate, *spread.bounds(confidence), spread.se, groups)

    return Question([Figure(scores, sums)], groups, told)


def ask_slices(
    scores: Sequence[Score], slices: Sequence[Slice], margin: float, confidence: float
) -> Question[list[SliceDifference]]:
    """Ask for the difference within each slice, and whether it is within the margin.

    A judged slice is shown not inferior when its `p_value` is at most (1 - confidence) / 2, and
    shown worse than the margin when its `p_worse` is.

    Args:
        scores: of candidate and champion: sums of tallies, (..., tallies), to the score, (...).
        slices: of the same examples, one or more; the groups of all of them are drawn.
        margin: of non-inferiority, above 0.
        confidence: of the two-sided intervals.
    """
    figures = [Figure(scores, each.sums, each.index) for each in slices]

    def told(spreads: Sequence[Spread]) -> list[SliceDifference]:
        return _sliced(slices, spreads, margin, confidence)

    return Question(figures, slices[0].groups, told)


def _sliced(
    slices: Sequence[Slice], found: Sequence[Spread], margin: float, confidence: float
) -> list[SliceDifference]:
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
