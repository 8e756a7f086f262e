"""In: Optuna's storage. Out: the trials of one study, written so that each write may be repeated.

A trial stands here from the moment it is asked, whole, with its number and its values; what runs
when the process dies is found running by the next, which goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

T = TypeVar("T")
State = Literal["complete", "pruned", "failed"]

NUMBER: Final = "number"
VALUES: Final = "values"
REASON: Final = "reason"
# Optuna's words in the user's.
STATES: Final[Mapping[str, State]] = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
}


def _at_once(write: Callable[[], T]) -> T:
    return write()


@dataclass(frozen=True)
class Book:
    """The trials of a study; one process writes.

    Attributes:
        storage: Optuna's.
        study_id: of the study there.
        check: raises when another process has taken the study over; called before each write.
        patiently: does a read or write, again where the storage was away for a while.
    """

    storage: BaseStorage
    study_id: int
    check: Callable[[], None]
    patiently: Callable[[Callable[[], Any]], Any] = _at_once

    def trials(self) -> list[FrozenTrial]:
        """Return the trials that count, by number: those that run, and those that have ended."""
        found: list[FrozenTrial] = self.patiently(self._read)
        return found

    def ended(self) -> list[FrozenTrial]:
        """Return those that have ended."""
        return [trial for trial in self.trials() if trial.state.is_finished()]

    def ask(
        self,
        number: int,
        values: Mapping[str, Any],
        space: Mapping[str, BaseDistribution],
        notes: Mapping[str, Any],
    ) -> None:
        """Write that a trial begins; nothing when it has begun already.

        Args:
            number: of the trial.
            values: of every searched field.
            space: of those fields whose value it holds; the sampler learns of these alone.
            notes: further attributes.
        """
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState.RUNNING,
            params={name: values[name] for name in space},
            distributions=dict(space),
            user_attrs={NUMBER: number, VALUES: dict(values), **notes},
        )

        def write() -> None:
            if all(each.user_attrs[NUMBER] != number for each in self._read()):
                self.check()
                self.storage.create_new_trial(self.study_id, trial)

        self.patiently(write)

    def report(self, number: int, epoch: int, score: float) -> None:
        """Write an epoch's score; told again, it stays as it is."""

        def write() -> None:
            trial = self._find(number)
            if epoch not in trial.intermediate_values and not trial.state.is_finished():
                self.check()
                self.storage.set_trial_intermediate_value(trial._trial_id, epoch, score)

        self.patiently(write)

    def note(self, number: int, notes: Mapping[str, Any]) -> None:
        """Write attributes of a trial that has not ended."""

        def write() -> None:
            trial = self._find(number)
            for name, value in notes.items():
                if trial.user_attrs.get(name) != value and not trial.state.is_finished():
                    self.check()
                    self.storage.set_trial_user_attr(trial._trial_id, name, value)

        self.patiently(write)

    def end(self, number: int, state: State, score: float | None) -> None:
        """Write how a trial ended; a pruned one keeps the score that it told last."""
        from optuna.trial import TrialState

        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}

        def write() -> None:
            trial = self._find(number)
            if trial.state.is_finished():
                return
            last = trial.intermediate_values.get(trial.last_step)
            kept = {"complete": score, "pruned": last, "failed": None}[state]
            self.check()
            self.storage.set_trial_state_values(
                trial._trial_id,
                states.get(state, TrialState.FAIL),
                None if kept is None else [kept],
            )

        self.patiently(write)

    def attributes(self) -> Mapping[str, Any]:
        """Return the study's own attributes."""
        found: Mapping[str, Any] = self.patiently(
            lambda: self.storage.get_study_user_attrs(self.study_id)
        )
        return found

    def write_attribute(self, name: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """Write one of the study's own attributes."""

        def write() -> None:
            self.check()
            self.storage.set_study_user_attr(self.study_id, name, value)

        self.patiently(write)

    def sweep(self) -> None:
        """Fail what was never wholly written, for it would repel the sampler for ever."""
        from optuna.trial import TrialState

        def write() -> None:
            for trial in self.storage.get_all_trials(self.study_id, deepcopy=False):
                if not trial.state.is_finished() and VALUES not in trial.user_attrs:
                    self.check()
                    self.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

        self.patiently(write)

    def _read(self) -> list[FrozenTrial]:
        counted = [
            trial
            for trial in self.storage.get_all_trials(self.study_id, deepcopy=False)
            if VALUES in trial.user_attrs and _counts(trial)
        ]
        return sorted(counted, key=lambda trial: int(trial.user_attrs[NUMBER]))

    def _find(self, number: int) -> FrozenTrial:
        return next(trial for trial in self._read() if trial.user_attrs[NUMBER] == number)


def _counts(trial: FrozenTrial) -> bool:
    """Tell a trial from an attempt that an earlier process gave up."""
    return trial.state.name != "FAIL" or REASON in trial.user_attrs
