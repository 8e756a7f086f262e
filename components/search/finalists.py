"""In: the best trials and what they scored with further seeds. Out: the one that wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from components.search.retrainings import Retraining
from components.search.trials import Trial


@dataclass(frozen=True)
class Finalist:
    """One of the best trials, and its scores with several seeds.

    Attributes:
        trial: its number.
        scores: the trial's own first, then one per round that all finalists have finished, so that
            finalists which can still win have equally many.
        reason: why it is out: with one of the seeds, training diverged.
    """

    trial: int
    scores: tuple[float, ...]
    reason: str | None

    @property
    def mean(self) -> float:
        """The mean score, which decides."""
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores (divided by n - 1); None for a single one."""
        return stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def figure(self) -> str:
        """The mean, and the spread where there is one, for a person."""
        if self.spread is None:
            return f"{self.mean:.4f}"
        return f"{self.mean:.4f} +- {self.spread:.4f} over {len(self.scores)} seeds"


def best_trials(trials: Iterable[Trial], count: int) -> list[int]:
    """Return the numbers of at most `count` complete trials, best score first.

    A pruned trial is never among them, whatever it scored; of equals, the earlier is.
    """
    scored = [(t.score, t.number) for t in trials if t.state == "complete" and t.score is not None]
    return [number for _, number in sorted(scored, key=lambda t: (-t[0], t[1]))[:count]]


def settle(
    own: Mapping[int, float], retrained: Iterable[Retraining], rounds: int
) -> tuple[Finalist, ...]:
    """Return the finalists with the scores that may be compared, in the order of `own`.

    * A mean of more scores is not held against a mean of fewer: a round counts when every finalist
      has finished it, and the rounds before it.
    * A finalist that diverged with any seed is out, and no round waits for it.

    Args:
        own: each finalist's score in the search itself, by trial.
        retrained: all further trainings there are; those of other trials, and of rounds beyond
            `rounds`, are left aside.
        rounds: how many were asked for.
    """
    asked = {(r.trial, r.round): r for r in retrained if r.trial in own and r.round <= rounds}
    out = {r.trial: r.reason for r in asked.values() if r.score is None}
    standing = [trial for trial in own if trial not in out]
    whole = 0
    while whole < rounds and all((trial, whole + 1) in asked for trial in standing):
        whole += 1
    return tuple(
        Finalist(trial, (score, *_scores(asked, trial, whole)), out.get(trial))
        for trial, score in own.items()
    )


def _scores(asked: Mapping[tuple[int, int], Retraining], trial: int, rounds: int) -> list[float]:
    """Return the scores of one finalist's rounds; there are fewer when it diverged."""
    found = [asked.get((trial, number)) for number in range(1, rounds + 1)]
    return [each.score for each in found if each is not None and each.score is not None]


def winner_of(finalists: Sequence[Finalist]) -> Finalist | None:
    """Return the finalist with the best mean; of equals, the earliest trial; None when all are out.

    One score is partly luck, and the best of many lucky ones is luckier still: it tends to be
    chosen for its seed (the winner's curse). Means over several seeds tell more of the values.
    """
    standing = [finalist for finalist in finalists if finalist.reason is None]
    return max(standing, key=lambda finalist: (finalist.mean, -finalist.trial), default=None)
