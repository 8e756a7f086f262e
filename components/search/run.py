"""In: the search section and an objective. Out: the asked number of trials, and their finalists."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.errors import DivergenceError
from components.params import SearchParams, TrainingParams
from components.search.importances import importances
from components.search.objective import Objective, Pruned, finite, section_of
from components.search.rounds import Rounds
from components.search.searched import Searched, SearchWatch
from components.search.space import defaults, distributions, within
from components.search.study import StudyPlace, open_study
from components.search.trials import NUMBER, REASON, VALUES, ended, read_trial
from components.seeding import derive

if TYPE_CHECKING:
    import optuna

UNWATCHED = SearchWatch()


def run_search(
    params: SearchParams,
    training: TrainingParams,
    seed: int,
    objective: Objective,
    place: StudyPlace,
    watch: SearchWatch = UNWATCHED,
) -> Searched:
    """Search until the study has `params.trials` ended trials, whatever killed it before.

    Then the best of them train again with other seeds (`Rounds.run`), and the best mean wins.

    * Trial 0 is the training section untouched but for `epochs`. Where one of its values lies
      outside its range, it trains with that value all the same, and the sampler does not learn
      of it.
    * A trial ends complete, pruned, or, when training diverged, failed with the reason; each of
      the three counts. Any other error ends the search, not the trial.
    * A trial that was killed does not count: its number is drawn again, and as the draw of number
      n depends on the seed, n, and the trials that ended before it, it has the same values.
    * All trials train with the same seed, so that they differ by their values alone.
    * After `params.minutes` of this process no trial starts, but the first always does.
    * Fewer trials than the study has: the first ones are the result.

    Args:
        params: the search section.
        training: the training section, which the draws are laid over.
        seed: of the draws, and of every trial's training; further seeds derive from it.
        objective: trains.
        place: where the study persists.
        watch: told of every training.

    Raises:
        ParamsError: a value of the space is not allowed in the training section.
        TouchstoneError: another process is at this study.
        IntegrityError: the study, or the record of its finalists, cannot be read.
    """
    space = distributions(params, training)
    deadline = time.monotonic() + 60 * (params.minutes or math.inf)
    with open_study(place, params) as study:
        runner = _Runner(params, training, seed, objective, study, space)
        for frozen in ended(study):
            watch.on_end(read_trial(study, frozen))
        while (number := len(ended(study))) < params.trials:
            if number > 0 and time.monotonic() >= deadline:
                break
            runner.run(number, watch)
        counted = ended(study)[: params.trials]
        trials = tuple(read_trial(study, frozen) for frozen in counted)
        finalists = Rounds(params, training, seed, objective, place, watch).run(trials)
        return Searched(place.name, trials, importances(counted), finalists)


@dataclass(frozen=True)
class _Runner:
    """Runs one trial at a time in one study."""

    params: SearchParams
    training: TrainingParams
    seed: int
    objective: Objective
    study: optuna.Study
    space: Mapping[str, Any]

    def run(self, number: int, watch: SearchWatch) -> None:
        """Ask for a trial, train it, and tell how it ended."""
        from optuna.trial import TrialState

        trial, values = self._ask(number)
        trial.set_user_attr(NUMBER, number)
        trial.set_user_attr(VALUES, values)
        watch.on_start(number)
        try:
            self.study.tell(trial, self._score(trial, number, values))
        except Pruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except DivergenceError as error:
            trial.set_user_attr(REASON, error.what)
            self.study.tell(trial, state=TrialState.FAIL)
        watch.on_end(read_trial(self.study, ended(self.study)[number]))

    def _ask(self, number: int) -> tuple[optuna.Trial, dict[str, Any]]:
        """Draw trial `number`; the same again when it is asked again."""
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        self.study.sampler = TPESampler(
            n_startup_trials=self.params.startup_trials,
            # numpy's legacy generator, which Optuna uses, takes 32 bits.
            seed=derive(self.seed, "search", number) % 2**32,
        )
        if number > 0:
            trial = self.study.ask(dict(self.space))
            return trial, dict(trial.params)
        values = defaults(self.training, self.space)
        inside = within(self.space, values)
        if not self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.study.enqueue_trial({name: values[name] for name in inside})
        return self.study.ask(inside), values

    def _score(self, trial: optuna.Trial, number: int, values: Mapping[str, Any]) -> float:
        section = section_of(self.params, self.training, values, number)

        def report(epoch: int, score: float) -> None:
            trial.report(finite(score), epoch)
            # After its last epoch a trial has cost all that it can cost.
            if epoch < section.epochs and trial.should_prune():
                raise Pruned(f"trial {number} after epoch {epoch}")

        return finite(self.objective(section, self.seed, report))
