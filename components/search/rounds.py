"""In: the best trials. Out: each trained again with further seeds, as many for one as for all."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.errors import DivergenceError
from components.params import SearchParams, TrainingParams
from components.search.finalists import Finalist, best_trials, settle
from components.search.objective import Objective, finite, section_of
from components.search.retrainings import Retraining, keep, read_retrainings
from components.search.searched import SearchWatch
from components.search.study import StudyPlace
from components.search.trials import Trial
from components.seeding import derive


@dataclass(frozen=True)
class Rounds:
    """Trains the finalists again, in a study that the caller holds.

    Attributes:
        params: the search section.
        training: the training section, which each trial's values are laid over.
        seed: of the search; round n trains with the seed that derives from it and n.
        objective: trains.
        place: where what has ended is kept.
        watch: told of every further training.
    """

    params: SearchParams
    training: TrainingParams
    seed: int
    objective: Objective
    place: StudyPlace
    watch: SearchWatch

    def run(self, trials: Sequence[Trial]) -> tuple[Finalist, ...]:
        """Train the best trials again, `finalists.seeds` times each, and return their scores.

        * All finalists have one further training before any has two, and in one round all train
          with the same seed: so they differ by their values, and a round is a fair comparison.
        * Trials and retrainings have equally many epochs; a retraining is never pruned.
        * What was killed is done again with the same seed; what has ended never is. So other
          numbers of finalists or seeds go on with what is there.
        * After `finalists.minutes` of this call no training starts, and the rounds that all
          finalists have finished decide; the next call goes on.
        * A finalist that diverges with one seed trains no more.
        """
        asked, deadline = self.params.finalists, _deadline(self.params.finalists.minutes)
        numbers = best_trials(trials, asked.trials)
        by_number = {trial.number: trial for trial in trials}
        own = {number: _score(by_number[number]) for number in numbers}
        done = self._kept(by_number)
        for trial, number in ((t, n) for n in range(1, asked.seeds + 1) for t in numbers):
            if _settled(done, trial, number):
                continue
            if time.monotonic() >= deadline:
                break
            done.append(self._train(by_number[trial], number))
        return settle(own, done, asked.seeds)

    def _kept(self, trials: Mapping[int, Trial]) -> list[Retraining]:
        """Return what earlier calls left; not what belongs to a study that was since deleted."""
        found = [
            retraining
            for retraining in read_retrainings(self.place)
            if retraining.trial in trials
            and retraining.values == dict(trials[retraining.trial].values)
        ]
        for retraining in found:
            self.watch.on_retrained(retraining)
        return found

    def _train(self, trial: Trial, number: int) -> Retraining:
        self.watch.on_restart(trial.number, number)
        scores: dict[int, float] = {}

        def report(epoch: int, score: float) -> None:
            scores[epoch] = finite(score)

        section = section_of(self.params, self.training, trial.values, trial.number)
        start, score, reason = time.monotonic(), None, None
        try:
            seed = derive(self.seed, "finalists", number)
            score = finite(self.objective(section, seed, report))
        except DivergenceError as error:
            reason = error.what
        retraining = Retraining(
            trial=trial.number,
            values=dict(trial.values),
            round=number,
            score=score,
            scores=scores,
            seconds=time.monotonic() - start,
            reason=reason,
        )
        keep(self.place, retraining)
        self.watch.on_retrained(retraining)
        return retraining


def _settled(done: Sequence[Retraining], trial: int, number: int) -> bool:
    """Tell whether a finalist has finished the round, or is out."""
    own = [retraining for retraining in done if retraining.trial == trial]
    return any(retraining.round == number or retraining.score is None for retraining in own)


def _deadline(minutes: float | None) -> float:
    return time.monotonic() + 60 * (minutes or math.inf)


def _score(trial: Trial) -> float:
    if trial.score is None:
        raise ValueError(f"complete trial {trial.number} has no score")
    return trial.score
