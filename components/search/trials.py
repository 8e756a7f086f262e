"""In: trials as Optuna keeps them. Out: trials in the order and the numbers that users see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from components.errors import DivergenceError

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

NUMBER: Final = "number"
VALUES: Final = "values"
REASON: Final = "reason"

State = Literal["complete", "pruned", "failed"]
# Optuna's words in the user's.
STATES: Final[Mapping[str, State]] = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
}


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: from 0, without gaps; an attempt that was killed takes none.
        state: failed means that training diverged.
        values: of every searched field.
        score: of the whole trial, the last one of a pruned trial, None of a failed one.
        scores: by epoch.
        seconds: of the attempt that ended.
        attempts: killed ones and the one that ended.
        reason: why it failed.
    """

    number: int
    state: State
    values: Mapping[str, Any]
    score: float | None
    scores: Mapping[int, float]
    seconds: float
    attempts: int
    reason: str | None


def _ignore(*_: object) -> None:
    """Look away."""


@dataclass(frozen=True)
class SearchWatch:
    """Who is told of trials: `on_start` with number and values, `on_end` with the ended trial.

    A search that goes on begins with `on_end` of the trials that ended before it, since a killed
    process may have told nobody of its last one.
    """

    on_start: Callable[[int, Mapping[str, Any]], None] = _ignore
    on_end: Callable[[Trial], None] = _ignore


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        study: its name.
        trials: all of them, by number.
        importances: share of each searched field in the differences between scores; empty when
            there is too little to tell.
    """

    study: str
    trials: tuple[Trial, ...]
    importances: Mapping[str, float]

    @property
    def best(self) -> Trial:
        """The complete trial with the highest score; of equals, the earliest.

        Raises:
            DivergenceError: no trial came to its end.
        """
        complete = [trial for trial in self.trials if trial.state == "complete"]
        if not complete:
            reason = self.trials[-1].reason if self.trials else "none was run"
            raise DivergenceError(
                f"search: one of {len(self.trials)} trials must end well, found none: {reason}",
                "lower training.learning_rate, and the ranges of search.space with it",
            )
        return max(complete, key=lambda trial: (_score(trial), -trial.number))


def ended(study: Study) -> list[FrozenTrial]:
    """Return the trials that count, by number: complete, pruned or diverged, never killed."""
    from optuna.trial import TrialState

    done = (TrialState.COMPLETE, TrialState.PRUNED)
    counted = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in done or (trial.state == TrialState.FAIL and REASON in trial.user_attrs)
    ]
    return sorted(counted, key=lambda trial: int(trial.user_attrs[NUMBER]))


def read_trial(study: Study, frozen: FrozenTrial) -> Trial:
    """Return one ended trial in the user's terms."""
    number = int(frozen.user_attrs[NUMBER])
    attempts = [t for t in study.get_trials(deepcopy=False) if t.user_attrs.get(NUMBER) == number]
    return Trial(
        number=number,
        state=STATES[frozen.state.name],
        values=frozen.user_attrs[VALUES],
        score=frozen.value,
        scores=dict(sorted(frozen.intermediate_values.items())),
        seconds=frozen.duration.total_seconds(),
        attempts=len(attempts),
        reason=frozen.user_attrs.get(REASON),
    )


def _score(trial: Trial) -> float:
    if trial.score is None:
        raise ValueError(f"complete trial {trial.number} has no score")
    return trial.score
