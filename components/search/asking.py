"""In: the search section and a study. Out: its trials as work, one after another or at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from components.failpoints import failpoint
from components.search.book import NUMBER, REASON, VALUES, Book, State
from components.search.draws import draw, prepare
from components.search.engines import Engine
from components.search.jobs import Curves, Ending, Job, Key
from components.search.priors import Prior, as_json, find_priors, from_json
from components.search.pruning import Cut, Judge
from components.search.setup import Setup, deadline, merged
from components.search.space import defaults, within
from components.search.trials import (
    ATTEMPTS,
    DEATHS,
    ORIGIN,
    SPENT,
    STARTED,
    TOLD,
    curves_of,
    read_trial,
    seconds_of,
    told_of,
    use_of,
)
from components.search.workers import Workers, choose

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

PRIORS: Final = "priors"
ENDS: Final[Mapping[str, State]] = {
    "complete": "complete",
    "pruned": "pruned",
    "diverged": "failed",
}


class Asking:
    """The trials of a study, as work.

    Args:
        setup: of the search.
        space: what Optuna draws from.
        book: the study.
        engine: where they will train; tells what there is.
    """

    def __init__(
        self, setup: Setup, space: Mapping[str, BaseDistribution], book: Book, engine: Engine
    ) -> None:
        self._setup, self._space, self._book, self._engine = setup, space, book, engine
        self._default = defaults(setup.training, space)
        self._judge = Judge(setup.params.pruner, setup.params.epochs, setup.place.name)
        self._deadline = deadline(setup.params.minutes, time.monotonic())
        self._curves: dict[int, Curves] = {}
        self._cuts: dict[int, Cut] = {}
        trials = book.trials()
        # What was asked for and has not ended comes first, whatever ran out meanwhile.
        self._waiting = [t.user_attrs[NUMBER] for t in trials if not t.state.is_finished()]
        self._asked = len(trials)
        self.workers: Workers | None = None

    def tell(self) -> None:
        """Tell of the trials that ended before: a killed process may have told nobody."""
        for frozen in self._book.ended():
            self._setup.watch.on_end(read_trial(frozen))
            self._setup.forget(frozen.user_attrs[NUMBER], 0)

    def counted(self) -> list[FrozenTrial]:
        """Return the ended trials that the trials and the epochs asked for reach to."""
        most = self._setup.params.trials
        return [
            trial
            for trial in self._book.ended()
            if trial.user_attrs[NUMBER] < most and self._affordable(trial.user_attrs.get(SPENT, 0))
        ]

    def most(self) -> int:
        """Return how many may run at once; one until it is known what one takes."""
        if self.workers is None:
            params, trials = self._setup.params, self._book.trials()
            left = params.trials - sum(trial.state.is_finished() for trial in trials)
            room, used = self._engine.room(), use_of(trials)
            self.workers = choose(params.workers, left, room, used)
            if self.workers and self.workers.why:
                self._setup.watch.on_note(self.workers.why)
        return self.workers.count if self.workers else 1

    def next(self) -> Job | None:
        """Return the trial to start now: one that was interrupted, else a new one, or None."""
        while self._waiting or self._more():
            number = self._waiting.pop(0) if self._waiting else self._ask()
            frozen = self._trial(number)
            last = frozen.last_step
            # It may have been killed between its report and the verdict.
            if last is not None and not self._goes_on(number, last):
                self._end(number, Ending("pruned"))
                continue
            self._book.note(number, {ATTEMPTS: frozen.user_attrs[ATTEMPTS] + 1})
            self._setup.watch.on_start(number)
            return self._setup.job(number, 0, frozen.user_attrs[VALUES], self._setup.seed)
        return None

    def stepped(self, key: Key, step: object) -> None:
        """Hand on."""
        self._setup.watch.on_step(*key, step)

    def reported(self, key: Key, epoch: int, score: float, curves: Curves) -> bool:
        """Write the score, and judge; what was judged before it was interrupted goes on."""
        number = key[0]
        self._curves[number] = merged(self._curves.get(number, {}), curves)
        last = self._trial(number).last_step
        if last is not None and epoch < last:
            return True
        self._book.report(number, epoch, score)
        self._setup.watch.on_epoch(*key, epoch, score)
        return self._goes_on(number, epoch)

    def ended(self, key: Key, ending: Ending) -> None:
        """Write how an attempt ended, and whether the trial has."""
        number = key[0]
        self._curves[number] = merged(self._curves.get(number, {}), ending.curves)
        if ending.how in ENDS:
            self._end(number, ending)
        elif ending.how == "interrupted":
            self._note(number, ending)
        else:
            self._died(number, ending)

    def _more(self) -> bool:
        """Tell whether another trial may be asked for; the first always is."""
        if self._asked >= self._setup.params.trials:
            return False
        inside = time.monotonic() < self._deadline and self._affordable(self._spent())
        return inside or self._asked == 0

    def _affordable(self, spent: int) -> bool:
        budget = self._setup.params.budget_epochs
        return budget is None or spent < budget or spent == 0

    def _spent(self) -> int:
        return sum(len(trial.intermediate_values) for trial in self._book.trials())

    def _ask(self) -> int:
        """Write down the next trial, and return its number."""
        number = self._asked
        if number == 0:
            prepare(self._setup.params)
        values, origin = self._values(number)
        notes: dict[str, Any] = {ATTEMPTS: 0, STARTED: time.time(), SPENT: self._spent()}
        if origin:
            notes[ORIGIN] = origin
        self._book.ask(number, values, within(self._space, values), notes)
        failpoint("search.asked")
        self._asked += 1
        return number

    def _values(self, number: int) -> tuple[dict[str, Any], str | None]:
        """Return the values of trial `number`, and where they come from if not from here."""
        if number == 0:
            return self._default, None
        priors = self._priors()
        if number <= len(priors):
            return dict(priors[number - 1].values), priors[number - 1].origin
        params, seed = self._setup.params, self._setup.seed
        return draw(params, self._space, seed, number, self._book.trials()), None

    def _priors(self) -> tuple[Prior, ...]:
        """Return what earlier studies give; looked for once, so that it stays the same."""
        if (text := self._book.attributes().get(PRIORS)) is None:
            count, place = self._setup.params.warm_start, self._setup.place
            text = as_json(find_priors(place, self._space, self._default, count))
            self._book.write_attribute(PRIORS, text)
        return from_json(text)

    def _trial(self, number: int) -> FrozenTrial:
        return next(t for t in self._book.trials() if t.user_attrs[NUMBER] == number)

    def _goes_on(self, number: int, epoch: int) -> bool:
        cut = self._judge.cut(curves_of(self._book.trials()), number, epoch)
        if cut:
            self._cuts[number] = cut
        return cut is None

    def _note(self, number: int, ending: Ending) -> None:
        before = seconds_of(self._trial(number))
        curves, cut = self._curves.get(number, {}), self._cuts.get(number)
        self._book.note(number, {TOLD: told_of(ending, before, curves, cut)})

    def _end(self, number: int, ending: Ending) -> None:
        self._note(number, ending)
        if ending.reason:
            self._book.note(number, {REASON: ending.reason})
        self._book.end(number, ENDS[ending.how], ending.score)
        failpoint("search.told")
        self._setup.forget(number, 0)
        self._curves.pop(number, None)
        self._setup.watch.on_end(read_trial(self._trial(number)))

    def _died(self, number: int, ending: Ending) -> None:
        """Do it again with the same values, until it has died too often."""
        deaths = [*self._trial(number).user_attrs.get(DEATHS, []), ending.reason]
        self._book.note(number, {DEATHS: deaths})
        again = len(deaths) < self._setup.params.attempts
        self._setup.watch.on_died(number, 0, str(ending.reason), again)
        if again:
            self._note(number, ending)
            self._waiting.insert(0, number)
            return
        reason = f"its process died {len(deaths)} times, the last time {ending.reason}"
        failed = Ending("diverged", reason=reason, seconds=ending.seconds, worker=ending.worker)
        self._end(number, failed)
