"""In: the trials so far. Out: the values of the next one, a pure function of them and the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.params import SearchParams
from components.search.book import VALUES
from components.seeding import derive

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

# How often values that were tried already are drawn anew, by TPE and then by lot alone: TPE comes
# back to the same ones.
BY_TPE: Final = 5
BY_LOT: Final = 45


def draw(
    params: SearchParams,
    space: Mapping[str, BaseDistribution],
    seed: int,
    number: int,
    trials: Sequence[FrozenTrial],
) -> dict[str, Any]:
    """Return the values of trial `number`: by lot at first, then by TPE.

    Bergstra et al., NeurIPS 2011; of trials that still run it is assumed that they are poor, so
    that those that run at once differ. Values that a trial has already are drawn again, for the
    same values and the same seed would give the same score.

    Args:
        params: the search section.
        space: of each searched field.
        seed: of the search.
        number: of the trial.
        trials: all that count so far.
    """
    import optuna
    from optuna.samplers import RandomSampler, TPESampler

    study = optuna.create_study(direction="maximize")
    study.add_trials([_bare(trial) for trial in trials if trial.state.name != "FAIL"])
    tried = [dict(trial.user_attrs[VALUES]) for trial in trials]
    values: dict[str, Any] = {}
    for attempt in range(BY_TPE + BY_LOT):
        names = (number,) if attempt == 0 else (number, attempt)
        # numpy's legacy generator, which Optuna uses, takes 32 bits.
        own = derive(seed, "search", *names) % 2**32
        study.sampler = (
            TPESampler(n_startup_trials=params.startup_trials, seed=own)
            if attempt < BY_TPE
            else RandomSampler(seed=own)
        )
        trial = study.ask(dict(space))
        values = dict(trial.params)
        if values not in tried:
            break
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return values


def _bare(trial: FrozenTrial) -> FrozenTrial:
    """Return what a sampler looks at."""
    from optuna.trial import create_trial

    return create_trial(
        state=trial.state,
        value=trial.value,
        params=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
    )
