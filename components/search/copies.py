"""In: trainings with altered copies and without. Out: whether the copies help, and how surely.

Two kinds of chance stand between what was measured and what would be: that of the validation rows,
which a paired bootstrap over whole groups tells, and that of the seeds, which the spread between
trainings with the same values tells. The interval holds both: the distances from the estimate to
the bounds of each are added in squares (Zou and Donner, Statistics in Medicine 27, 2008: MOVER).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, variance
from typing import Any, Final, Literal

import numpy as np

from components.arrays import Array
from components.pages.words import count, name, signed
from components.params import AblationParams
from components.search.finalists import Finalist
from components.search.jobs import arm_of
from components.search.retrainings import Retraining
from components.seeding import generator

Score = Callable[[Array], Array]
SINGLE: Final = 1
PERCENT: Final = 100


@dataclass(frozen=True)
class Copies:
    """What there is to ask about.

    Attributes:
        rows: of training, altered copies among them.
        copies: how many of the rows those are.
        groups: (validation rows,) the number of each one's group.
        score: the task's metric, (...), of summed tallies, (..., tallies).
    """

    rows: int
    copies: int
    groups: Array
    score: Score


@dataclass(frozen=True)
class Arms:
    """All trainings of an ablation that have ended, seed by seed.

    Attributes:
        trainings: with the copies and without; see `arm_of`.
        tallies: (validation rows, tallies) of each; None of one that diverged.
    """

    trainings: tuple[Retraining, ...]
    tallies: tuple[Array | None, ...]

    def of(self, copies: bool) -> list[tuple[Retraining, Array | None]]:
        """Return those of one side."""
        both = zip(self.trainings, self.tallies, strict=True)
        return [each for each in both if (arm := arm_of(each[0].round)) and arm.copies == copies]


@dataclass(frozen=True)
class Ablation:
    """Whether altered copies help.

    Attributes:
        verdict: `on`: they do, and are trained on; `off`: it was not shown.
        trial: whose values it was asked with.
        rows: of training, altered copies among them.
        copies: how many of the rows those are.
        with_scores: on validation, seed by seed; without those of seeds that diverged on a side.
        without_scores: likewise, without the copies.
        low: lower bound of the gain, the mean with the copies less the mean without; None: unknown.
        high: upper bound.
        confidence: of both together.
        deviation: between seeds, over everything that trained with several; None: unknown.
        reason: which side diverged, or nothing.
        trainings: all of them.
    """

    verdict: Literal["on", "off"]
    trial: int
    rows: int
    copies: int
    with_scores: tuple[float, ...]
    without_scores: tuple[float, ...]
    low: float | None
    high: float | None
    confidence: float
    deviation: float | None
    reason: str | None
    trainings: tuple[Retraining, ...] = ()

    @property
    def gain(self) -> float | None:
        """What the copies add to the mean score."""
        if not self.with_scores:
            return None
        return fmean(self.with_scores) - fmean(self.without_scores)

    @property
    def seconds(self) -> float:
        """How long all of it trained."""
        return sum(each.seconds for each in self.trainings)

    def sentence(self, metric: str) -> str:
        """Return the verdict and why, in one sentence."""
        what = f"the {count(self.copies)} altered copies"
        if self.reason or self.gain is None:
            used = "are trained on" if self.verdict == "on" else "are left out"
            return f"{what.capitalize()} {used}: {self.reason or 'no training came to its end'}."
        seeds = len(self.with_scores)
        over = f"over {seeds} seed{'s' if seeds > SINGLE else ''}"
        if self.low is None or self.high is None:
            end = "how far that may be luck of the seed cannot be told"
        else:
            end = (
                f"between {signed(self.low, 2)} and {signed(self.high, 2)} "
                f"with {PERCENT * self.confidence:g} % confidence"
            )
        gained = f"{signed(self.gain, 2)} points of {name(metric)} on validation {over}, {end}"
        if self.verdict == "on":
            return f"{what.capitalize()} help and are trained on: {gained}."
        why = "harm" if self.high is not None and self.high < 0 else "are not shown to help"
        return f"{what.capitalize()} {why} and are left out: {gained}."

    def as_json(self, metric: str) -> dict[str, Any]:
        """Return what later stages read."""
        facts = asdict(self)
        del facts["trainings"]
        told = {"gain": self.gain, "metric": metric, "sentence": self.sentence(metric)}
        return {**facts, **told}


def weigh(
    arms: Arms, copies: Copies, params: AblationParams, finalists: Sequence[Finalist], seed: int
) -> Ablation:
    """Decide.

    Args:
        arms: both sides, with equally many seeds.
        copies: what was asked about.
        params: resamples and confidence.
        finalists: of the search, whose scores tell the spread between seeds, too.
        seed: of the draws.
    """
    sides = {side: arms.of(side) for side in (True, False)}
    lost = {side: sum(told is None for _, told in sides[side]) for side in sides}
    pairs = [
        ((_score(one), told), (_score(other), of_other))
        for (one, told), (other, of_other) in zip(sides[True], sides[False], strict=True)
        if told is not None and of_other is not None
    ]
    with_, without = ([pair[side][0] for pair in pairs] for side in (0, 1))
    deviation, degrees = _spread([with_, without, *(f.scores for f in finalists if not f.reason)])
    low, high = None, None
    if pairs and deviation is not None:
        tallies = [np.stack([pair[side][1] for pair in pairs]) for side in (0, 1)]
        found = _rows_alone(tallies, copies, params, seed)
        seeds = _seeds_alone(deviation, degrees, len(pairs), params.confidence)
        low, high = _together(fmean(with_) - fmean(without), found, seeds)
    reason = None
    if lost[True] != lost[False]:
        worse = "with" if lost[True] > lost[False] else "without"
        reason = f"{worse} them training diverged"
    on = reason == "without them training diverged" if reason else (low or 0.0) > 0
    return Ablation(
        verdict="on" if on else "off",
        trial=arms.trainings[0].trial,
        rows=copies.rows,
        copies=copies.copies,
        with_scores=tuple(with_),
        without_scores=tuple(without),
        low=low,
        high=high,
        confidence=params.confidence,
        deviation=deviation,
        reason=reason,
        trainings=arms.trainings,
    )


def _rows_alone(
    tallies: Sequence[Array], copies: Copies, params: AblationParams, seed: int
) -> tuple[float, float]:
    """Return the bounds of the difference by the chance of the validation rows.

    Args:
        tallies: with the copies and without, (seeds, rows, tallies) each.
        copies: what was asked about.
        params: resamples and confidence.
        seed: of the draws.
    """
    from components.bootstrap import Figure, by_group, spreads

    seeds, _, width = tallies[0].shape
    groups = copies.groups.astype(str).tolist()

    def mean(summed: Array) -> Array:
        each = copies.score(summed.reshape(*summed.shape[:-1], seeds, width))
        found: Array = each.mean(axis=-1)
        return found

    sums = [by_group(np.concatenate(list(side), axis=1), groups) for side in tallies]
    figure = Figure([mean, mean], sums)
    (spread,) = spreads([figure], len(sums[0]), params.resamples, generator(seed, "ablation"))
    return spread.bounds(params.confidence)


def _seeds_alone(deviation: float, degrees: int, seeds: int, confidence: float) -> float:
    """Return half the width of Student's interval of a difference of means of so many seeds."""
    from scipy.stats import t

    return float(t.isf((1 - confidence) / 2, degrees)) * deviation * math.sqrt(2 / seeds)


def _together(
    gain: float, rows: tuple[float, float], seeds: float
) -> tuple[float | None, float | None]:
    low, high = gain - math.hypot(gain - rows[0], seeds), gain + math.hypot(rows[1] - gain, seeds)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    # With a seed or two the bounds may lie beyond what two scores can differ by.
    return max(low, -1.0), min(high, 1.0)


def _spread(scores: Sequence[Sequence[float]]) -> tuple[float | None, int]:
    """Return the standard deviation between seeds, pooled, and its degrees of freedom.

    Args:
        scores: of trainings that differ by their seed alone, several such lists.
    """
    several = [each for each in scores if len(each) > SINGLE]
    degrees = sum(len(each) - 1 for each in several)
    if not degrees:
        return None, 0
    squares = sum((len(each) - 1) * variance(each) for each in several)
    return math.sqrt(squares / degrees), degrees


def _score(training: Retraining) -> float:
    if training.score is None:
        raise ValueError(f"round {training.round} of trial {training.trial} has no score")
    return training.score
