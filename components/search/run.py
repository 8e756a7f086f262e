"""In: the search section and where to train. Out: the asked number of trials, and finalists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from components.params import SearchParams, TrainingParams
from components.search.ablation import Sides
from components.search.asking import Asking
from components.search.copies import Ablation, Copies, weigh
from components.search.drive import Work, drive, listening
from components.search.engines import Engine
from components.search.finalists import winner_of
from components.search.importances import importances
from components.search.priors import write_record
from components.search.rounds import Rounds
from components.search.searched import Searched, SearchWatch
from components.search.setup import Setup
from components.search.space import distributions
from components.search.study import StudyPlace, open_study
from components.search.trials import read_trial

UNWATCHED: Final = SearchWatch()


def run_search(  # noqa: PLR0913, PLR0917 - one entry to searches; the last two may be left out
    params: SearchParams,
    training: TrainingParams,
    seed: int,
    engine: Engine,
    place: StudyPlace,
    watch: SearchWatch = UNWATCHED,
    copies: Copies | None = None,
) -> Searched:
    """Search until the study has `params.trials` ended trials, whatever killed it before.

    Then the best of them train again with other seeds (`Rounds`), and the best mean wins; and the
    winner with altered copies of training rows and without (`Sides`), where there are any.

    * Trial 0 is the training section untouched but for `epochs`. Where one of its values lies
      outside its range, it trains with that value all the same, and the sampler does not learn
      of it. After it come the best values of earlier studies, `params.warm_start` of them.
    * A trial ends complete, pruned, or failed with the reason: training diverged, or its process
      died `params.attempts` times; each of the three counts. Any other error ends the search, not
      the trial.
    * A trial stands in the study with its number and its values before it starts. One that was
      interrupted goes on from its checkpoint, before any new one starts. The draw of number n
      depends on the seed, n, and the trials that began before it.
    * All trials train with the same seed, so that they differ by their values alone.
    * No trial starts after `params.minutes` of this process, or when the study has spent
      `params.budget_epochs`, but the first always does.
    * Fewer trials or epochs than the study has: the first ones are the result.
    * With one worker the result depends on the arguments and on earlier studies alone; with more,
      on which of them is quicker, too.

    Args:
        params: the search section.
        training: the training section, which the draws are laid over.
        seed: of the draws, and of every trial's training; further seeds derive from it.
        engine: trains.
        place: where the study persists.
        watch: told of every training.
        copies: the altered copies; None: whether they help is not asked.

    Raises:
        ParamsError: a value of the space is not allowed in the training section.
        TouchstoneError: another process is at this study.
        IntegrityError: the study, or the record of its finalists, cannot be read.
        Interrupted: a signal came; what trains was told to save, and the next call goes on.
    """
    space = distributions(params, training)
    setup = Setup(params, training, seed, place, watch)
    with listening() as stop, engine, open_study(place) as book:
        asking = Asking(setup, space, book, engine)
        asking.tell()
        drive(engine, asking, stop)
        counted = asking.counted()
        trials = tuple(read_trial(frozen) for frozen in counted)
        rounds = Rounds(setup, book, trials, asking.most)
        drive(engine, rounds, stop)
        workers = asking.workers
        found = Searched(
            place.name,
            trials,
            importances(counted),
            rounds.finalists(),
            tuple(rounds.done),
            workers.count if workers else 1,
            workers.why if workers else "",
        )
        write_record(place, found)

        def work(sides: Work) -> None:
            drive(engine, sides, stop)

        return replace(found, ablation=_ablation(setup, found, copies, asking.most, work))


def _ablation(
    setup: Setup,
    found: Searched,
    copies: Copies | None,
    most: Callable[[], int],
    work: Callable[[Work], None],
) -> Ablation | None:
    """Ask whether altered copies help; None where there is nobody to ask, or nothing."""
    asked = setup.params.ablation
    if not asked or not copies or not copies.copies or winner_of(found.finalists) is None:
        return None
    sides = Sides(setup, found.best_trial, most)
    work(sides)
    return weigh(sides.arms(), copies, asked, found.finalists, setup.seed)
