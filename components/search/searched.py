"""In: ended trials and finalists. Out: what a search found, and who is told on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.errors import DivergenceError
from components.search.copies import Ablation
from components.search.finalists import Finalist, winner_of
from components.search.retrainings import Retraining
from components.search.trials import Trial

CURE = "lower training.learning_rate, and the ranges of search.space with it"


def _ignore(*_: object) -> None:
    """Look away."""


@dataclass(frozen=True)
class SearchWatch:
    """Who is told.

    A search that goes on begins with the ends of what ended before it, since a killed process may
    have told nobody of its last one.

    Attributes:
        on_start: of a trial, with its number.
        on_end: of a trial.
        on_restart: of a further training, with the trial's number and the round.
        on_retrained: of a further training that ended.
        on_arm: of a training with altered copies or without that ended.
        on_step: where a training stands, with the trial's number and the round, 0 for the trial
            itself; several may run at once.
        on_died: of a training whose process died, likewise, with the reason, and whether it is
            done again.
        on_note: a line about the search itself.
        on_epoch: of an epoch that ended, with the trial's number, the round, the epoch and its
            score.
    """

    on_start: Callable[[int], None] = _ignore
    on_end: Callable[[Trial], None] = _ignore
    on_restart: Callable[[int, int], None] = _ignore
    on_retrained: Callable[[Retraining], None] = _ignore
    on_arm: Callable[[Retraining], None] = _ignore
    on_step: Callable[[int, int, object], None] = _ignore
    on_died: Callable[[int, int, str, bool], None] = _ignore
    on_note: Callable[[str], None] = _ignore
    on_epoch: Callable[[int, int, int, float], None] = _ignore


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        study: its name.
        trials: all of them, by number.
        importances: share of each searched field in the differences between scores; empty when
            there is too little to tell.
        finalists: the best trials with their scores over several seeds, best single score first;
            empty when no trial came to its end.
        retrainings: the further trainings of the finalists.
        workers: how many trained at once, at most.
        workers_why: why so many, in one line; empty where it was asked for.
        ablation: whether altered copies help; None where it was not asked.
    """

    study: str
    trials: tuple[Trial, ...]
    importances: Mapping[str, float]
    finalists: tuple[Finalist, ...]
    retrainings: tuple[Retraining, ...] = ()
    workers: int = 1
    workers_why: str = ""
    ablation: Ablation | None = None

    @property
    def epochs(self) -> int:
        """How many epochs the trials spent together."""
        return sum(trial.epochs for trial in self.trials)

    @property
    def best(self) -> Finalist:
        """The finalist that wins.

        Raises:
            DivergenceError: no trial came to its end, or each finalist diverged with some seed.
        """
        if winner := winner_of(self.finalists):
            return winner
        if self.finalists:
            reasons = "; ".join(f"trial {f.trial}: {f.reason}" for f in self.finalists)
            raise DivergenceError(
                f"search: one of {len(self.finalists)} finalists must train well with every seed, "
                f"found none: {reasons}",
                CURE,
            )
        reason = self.trials[-1].reason if self.trials else "none was run"
        raise DivergenceError(
            f"search: one of {len(self.trials)} trials must end well, found none: {reason}", CURE
        )

    @property
    def best_trial(self) -> Trial:
        """The trial of the finalist that wins; raises as `best` does."""
        number = self.best.trial
        return next(trial for trial in self.trials if trial.number == number)
