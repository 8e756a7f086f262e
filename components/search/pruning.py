"""In: the scores of all trials by epoch. Out: whether one of them is worth more, and why not.

Optuna's rules on the scores alone, so that a search that goes on judges as one that was never
interrupted, and the reason can be told. Scores are better the higher they are.
"""

from __future__ import annotations

import binascii
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.params.search import PrunerParams


@dataclass(frozen=True)
class Curve:
    """A trial's scores.

    Attributes:
        scores: by epoch, from 1.
        complete: whether it came to its end.
    """

    scores: Mapping[int, float]
    complete: bool


@dataclass(frozen=True)
class Cut:
    """Why a trial was given up.

    Attributes:
        epoch: after which.
        rung: the how-manieth time it was judged, from 0.
        score: its own.
        bound: what it had to reach.
        rule: what the bound is, in words.
        among: how many scores it was held against, its own included where it counts.
    """

    epoch: int
    rung: int
    score: float
    bound: float
    rule: str
    among: int

    @property
    def reason(self) -> str:
        """One sentence."""
        return f"{self.score:.4f} after epoch {self.epoch} is below {self.bound:.4f}, {self.rule}"


@dataclass(frozen=True)
class Judge:
    """Decides after each epoch; a pure function of the scores so far.

    Attributes:
        params: the rule and its figures.
        epochs: of a whole trial.
        study: its name, which draws Hyperband's brackets.
    """

    params: PrunerParams
    epochs: int
    study: str

    def cut(self, curves: Mapping[int, Curve], number: int, epoch: int) -> Cut | None:
        """Return why trial `number` is not worth more after an epoch; None: it goes on.

        * After its last epoch a trial has cost all that it can cost.
        * Nobody is judged before so many trials are complete as `startup_trials` says, and no
          trial before it had `warmup_epochs`.
        """
        complete = sum(curve.complete for curve in curves.values())
        early = complete < self.params.startup_trials or epoch < self.params.warmup_epochs
        if epoch >= self.epochs or early:
            return None
        return RULES[self.params.kind](self, curves, number, epoch)

    @property
    def first(self) -> int:
        """The first epoch after which a trial may be judged."""
        return max(1, self.params.warmup_epochs)

    def brackets(self) -> int:
        """Return how many brackets Hyperband has."""
        count = 1
        while self.first * self.params.reduction**count <= self.epochs:
            count += 1
        return count

    def bracket(self, number: int) -> int:
        """Return the bracket of a trial: by lot, those that judge early get more trials."""
        count, reduction = self.brackets(), self.params.reduction
        shares = [
            math.ceil(count * reduction ** (count - 1 - each) / (count - each))
            for each in range(count)
        ]
        place = binascii.crc32(f"{self.study}_{number}".encode()) % sum(shares)
        return next(each for each in range(count) if place < sum(shares[: each + 1]))


def _none(*_: object) -> None:
    """Let every trial come to its end."""


def _median(judge: Judge, curves: Mapping[int, Curve], number: int, epoch: int) -> Cut | None:
    """Cut when the best score so far is below the median of complete trials at this epoch.

    Golovin et al., Google Vizier (KDD 2017), section 3.2.2; `optuna.pruners.MedianPruner`.
    """
    others = [c.scores[epoch] for c in curves.values() if c.complete and epoch in c.scores]
    if not others:
        return None
    bound = statistics.median(others)
    own = max(score for at, score in curves[number].scores.items() if at <= epoch)
    rule = f"the median of {len(others)} complete trial{'s' if len(others) > 1 else ''}"
    return _below(own, bound, Cut(epoch, epoch - judge.first, own, bound, rule, len(others)))


def _halving(
    judge: Judge, curves: Mapping[int, Curve], number: int, epoch: int, first: int
) -> Cut | None:
    """Cut at a rung who is not among the best of those that reached it.

    Asynchronous successive halving: Li et al., arXiv:1810.05934;
    `optuna.pruners.SuccessiveHalvingPruner`.
    """
    rung, step = 0, first
    while step < epoch:
        rung, step = rung + 1, step * judge.params.reduction
    if step != epoch:
        return None
    scores = sorted((c.scores[epoch] for c in curves.values() if epoch in c.scores), reverse=True)
    own = curves[number].scores[epoch]
    bound = _promoted(scores, judge.params.reduction)
    rule = f"which the best of {len(scores)} reached (1 in {judge.params.reduction} goes on)"
    return _below(own, bound, Cut(epoch, rung, own, bound, rule, len(scores)))


def _promoted(scores: Sequence[float], reduction: int) -> float:
    """Return the score that goes on: of the best 1 in `reduction`; the best alone of too few."""
    return scores[max(len(scores) // reduction, 1) - 1]


def _asha(judge: Judge, curves: Mapping[int, Curve], number: int, epoch: int) -> Cut | None:
    return _halving(judge, curves, number, epoch, judge.first)


def _hyperband(judge: Judge, curves: Mapping[int, Curve], number: int, epoch: int) -> Cut | None:
    """Halve within the trial's own bracket, each of which begins to judge later than the last.

    Li et al., arXiv:1603.06560; `optuna.pruners.HyperbandPruner`.
    """
    bracket = judge.bracket(number)
    rivals = {each: curve for each, curve in curves.items() if judge.bracket(each) == bracket}
    return _halving(judge, rivals, number, epoch, judge.first * judge.params.reduction**bracket)


def _below(own: float, bound: float, cut: Cut) -> Cut | None:
    return cut if own < bound else None


Rule = Callable[[Judge, Mapping[int, Curve], int, int], Cut | None]
RULES: Final[dict[str, Rule]] = {
    "none": _none,
    "median": _median,
    "asha": _asha,
    "hyperband": _hyperband,
}


def as_json(cut: Cut) -> dict[str, Any]:
    """Return what `from_json` reads."""
    return dict(vars(cut))


def from_json(row: Mapping[str, Any]) -> Cut:
    """Return what `as_json` wrote."""
    return Cut(**row)
