"""In: the best trials. Out: each trained again with further seeds, as many for one as for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from components.search.again import Again
from components.search.book import Book
from components.search.finalists import Finalist, best_trials, settle
from components.search.jobs import Ending, Job, Key
from components.search.retrainings import Retraining, keep, read_retrainings
from components.search.setup import Setup, deadline
from components.search.trials import Trial
from components.seeding import derive


class Rounds(Again):
    """The finalists' further trainings, as work, in a study that the caller holds.

    * All finalists begin one further training before any begins its second, and in one round all
      train with the same seed, which derives from the search's and the round: so they differ by
      their values, and a round is a fair comparison.
    * Trials and retrainings have equally many epochs; a retraining is never pruned.
    * What was killed is done again with the same seed; what has ended never is. So other
      numbers of finalists or seeds go on with what is there.
    * After `finalists.minutes` of this call no training starts, and the rounds that all
      finalists have finished decide; the next call goes on.
    * A finalist that diverges with one seed, or dies with it too often, trains no more.

    Args:
        setup: of the search.
        book: its study.
        trials: its ended trials.
        most: how many may train at once.
    """

    def __init__(
        self, setup: Setup, book: Book, trials: Sequence[Trial], most: Callable[[], int]
    ) -> None:
        super().__init__(setup, most)
        self._book, self._asked = book, setup.params.finalists
        self._deadline = deadline(self._asked.minutes, time.monotonic())
        self._trials = {trial.number: trial for trial in trials}
        numbers = best_trials(trials, self._asked.trials)
        self._own = {number: _score(self._trials[number]) for number in numbers}
        self.done = self._kept()
        self._waiting = [(t, n) for n in range(1, self._asked.seeds + 1) for t in numbers]

    def finalists(self) -> tuple[Finalist, ...]:
        """Return the finalists, with the scores that may be compared."""
        return settle(self._own, self.done, self._asked.seeds)

    def next(self) -> Job | None:
        """Return the training to start now, or None."""
        while self._waiting and time.monotonic() < self._deadline:
            trial, number = self._waiting.pop(0)
            if _settled(self.done, trial, number):
                continue
            seed = derive(self._setup.seed, "finalists", number)
            return self._begin((trial, number), self._trials[trial].values, seed)
        return None

    def _keep(self, key: Key, ending: Ending, reason: str | None) -> None:
        retraining = self._record(key, self._trials[key[0]].values, ending, reason)
        keep(self._setup.place, self._book, retraining)
        self._setup.forget(*key)
        self.done.append(retraining)
        self._setup.watch.on_retrained(retraining)

    def _kept(self) -> list[Retraining]:
        """Return what earlier calls left; not what belongs to a study that was since deleted."""
        found = [
            retraining
            for retraining in read_retrainings(self._setup.place, self._book)
            if retraining.trial in self._trials
            and retraining.values == dict(self._trials[retraining.trial].values)
        ]
        for retraining in found:
            self._setup.forget(retraining.trial, retraining.round)
            self._setup.watch.on_retrained(retraining)
        return found


def _settled(done: Sequence[Retraining], trial: int, number: int) -> bool:
    """Tell whether a finalist has finished the round, or is out."""
    own = [retraining for retraining in done if retraining.trial == trial]
    return any(retraining.round == number or retraining.score is None for retraining in own)


def _score(trial: Trial) -> float:
    if trial.score is None:
        raise ValueError(f"complete trial {trial.number} has no score")
    return trial.score
