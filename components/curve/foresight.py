"""In: scores at several numbers of labels. Out: what more would buy, or why one cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.curve.chance import Numbers, Score, by_share, luck, redrawn
from components.curve.law import Law, fit_law
from components.curve.points import Point
from components.params import LearningCurveParams
from components.tasks.base import Array

Interval = tuple[float, float]
# A law with three unknowns wants three sizes, and one more to be put to the test.
LEAST_SIZES: Final = 3
# Beyond so many times the labels there are, a curve is not followed.
REACH: Final = 4
# An interval wider than this part of the error that is left says nothing.
WIDEST: Final = 0.5


@dataclass(frozen=True)
class Size:
    """What one number of labels came to.

    Attributes:
        share: of all labels.
        labels: how many that is.
        scores: of its trainings.
        score: their mean, taken of the errors' logarithms.
        interval: where it may lie, by the chance of validation rows and of seeds.
    """

    share: float
    labels: int
    scores: tuple[float, ...]
    score: float
    interval: Interval


@dataclass(frozen=True)
class Foresight:
    """What the curve says.

    Attributes:
        sizes: rising.
        more: labels that the question is about.
        confidence: of the intervals.
        law: the rest, the scale and the exponent of the curve through the means.
        curve: (labels, score, low, high) along the law, up to `more` beyond the last.
        now: the law's score at all labels.
        gain: what `more` would add to the score; None when it cannot be told.
        interval: of the gain; None likewise.
        doubts: why it cannot be told; empty when it can.
    """

    sizes: tuple[Size, ...]
    more: int
    confidence: float
    law: dict[str, float]
    curve: tuple[tuple[float, float, float, float], ...]
    now: float
    gain: float | None
    interval: Interval | None
    doubts: tuple[str, ...]


def foresee(
    params: LearningCurveParams,
    points: Sequence[Point],
    tallies: Sequence[Array],
    score: Score,
    groups: Numbers,
    random: np.random.Generator,
) -> Foresight:
    """Fit the law to what was measured, and to all that might have been measured in its place.

    Args:
        params: the question.
        points: one per training.
        tallies: of each, (validation rows, counts).
        score: of summed tallies, in [0, 1].
        groups: (validation rows,) numbers of groups.
        random: draws.
    """
    floor = 0.5 / len(groups)
    shares = [point.share for point in points]
    errors = np.maximum(1 - np.array([point.score for point in points]), floor)
    kinds, means = by_share(errors, shares)
    labels = np.array([np.mean([p.labels for p in points if p.share == kind]) for kind in kinds])
    each = {k: [e for e, s in zip(errors.tolist(), shares, strict=True) if s == k] for k in kinds}
    drawn = np.maximum(1 - redrawn(tallies, score, groups, params.resamples, random), floor)
    might = by_share(drawn, shares)[1] * luck(each, params.resamples, random)
    law, laws = fit_law(labels, means[None]), fit_law(labels, might)
    total = float(labels[-1])
    gains = laws.at(total) - laws.at(total + params.more)
    interval = _interval(gains, params.confidence)
    doubts = _doubts(params, labels, means, might, interval)
    return Foresight(
        sizes=tuple(
            Size(
                share=kind,
                labels=round(float(labels[index])),
                scores=tuple(1 - error for error in each[kind]),
                score=1 - float(means[index]),
                interval=_interval(1 - might[:, index], params.confidence),
            )
            for index, kind in enumerate(kinds)
        ),
        more=params.more,
        confidence=params.confidence,
        law={name: float(getattr(law, name)[0]) for name in ("rest", "scale", "exponent")},
        curve=_curve(law, laws, labels, params),
        now=1 - float(law.at(total)[0]),
        gain=None if doubts else float(law.at(total)[0] - law.at(total + params.more)[0]),
        interval=None if doubts else interval,
        doubts=doubts,
    )


def _curve(
    law: Law, laws: Law, labels: Array, params: LearningCurveParams
) -> tuple[tuple[float, float, float, float], ...]:
    """Follow the law from the first size to what is asked about, at most as far as it reaches."""
    end = min(labels[-1] + params.more, REACH * labels[-1])
    found = []
    for n in np.unique(np.concatenate([np.geomspace(labels[0], end, 60), labels[-1:]])).tolist():
        low, high = _interval(1 - laws.at(n), params.confidence)
        found.append((n, 1 - float(law.at(n)[0]), low, high))
    return tuple(found)


def _doubts(
    params: LearningCurveParams, labels: Array, means: Array, might: Array, gain: Interval
) -> tuple[str, ...]:
    """Return why the question cannot be answered, most telling first."""
    if len(labels) < LEAST_SIZES:
        return (f"it takes {LEAST_SIZES} numbers of labels to fit a curve, found {len(labels)}",)
    total = labels[-1]
    if total + params.more > REACH * total:
        return (
            f"{total + params.more:,.0f} labels would be more than {REACH} times the {total:,.0f} "
            "that there are",
        )
    found = []
    risen = float((might[:, 0] > might[:, -1]).mean())
    if risen < params.confidence:
        found.append(
            f"from {labels[0]:,.0f} to {total:,.0f} labels the score does not rise by more than "
            "chance"
        )
    if len(labels) > LEAST_SIZES:
        missed = fit_law(labels[:-1], might[:, :-1]).at(total) - might[:, -1]
        low, high = _interval(missed, params.confidence)
        if low > 0 or high < 0:
            side = "better" if low > 0 else "worse"
            found.append(
                f"{total:,.0f} labels do {side} than the curve through the smaller numbers says"
            )
    if gain[1] - gain[0] > WIDEST * float(means[-1]):
        found.append(
            f"it may be anything from {100 * gain[0]:.1f} to {100 * gain[1]:.1f} points, of "
            f"{100 * float(means[-1]):.1f} that are left"
        )
    return tuple(found)


def _interval(values: Array, confidence: float) -> Interval:
    """Return the interval that leaves equal parts of the values on both sides."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
