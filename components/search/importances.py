"""In: ended trials. Out: how much each searched field matters to the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MIN_COMPLETE: Final = 4
MIN_FIELDS: Final = 2


def importances(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """Return shares that add up to 1, the largest first (PED-ANOVA, arXiv:2304.10255).

    Empty with fewer than 4 complete trials, fewer than 2 fields, or all scores equal.
    """
    import optuna
    from optuna.trial import TrialState

    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    fields = {name for trial in complete for name in trial.params}
    scores = {trial.value for trial in complete}
    if len(complete) < MIN_COMPLETE or len(fields) < MIN_FIELDS or len(scores) == 1:
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(complete)
    return dict(optuna.importance.get_param_importances(study))
