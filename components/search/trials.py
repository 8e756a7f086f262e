"""In: trials as Optuna keeps them. Out: trials in the order and the numbers that users see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

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
