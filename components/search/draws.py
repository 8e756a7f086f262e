"""In: the trials so far. Out: the values of the next one, a pure function of them and the seed."""

from __future__ import annotations

import statistics
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.params import SearchParams
from components.search.book import VALUES
from components.seeding import derive

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

# How often values that were tried already are drawn anew, by the sampler and then by lot alone:
# a sampler comes back to the same ones.
BY_SAMPLER: Final = 5
BY_LOT: Final = 45


def draw(
    params: SearchParams,
    space: Mapping[str, BaseDistribution],
    seed: int,
    number: int,
    trials: Sequence[FrozenTrial],
) -> dict[str, Any]:
    """Return the values of trial `number`: by lot at first, then by params' sampler.

    * `gp`: a Gaussian process of the scores, and the values of which it expects the most
      (`optuna.samplers.GPSampler`; Jones et al., Journal of Global Optimization 13, 1998). Of a
      pruned trial it is told what the trial might have come to, see `prospect`.
    * `tpe`: Bergstra et al., NeurIPS 2011 (`optuna.samplers.TPESampler`).
    * `random`: by lot throughout.

    Those that run at once differ: both samplers take those that still run into account. Values
    that a trial has already are drawn again, for the same values and the same seed would give the
    same score.

    Args:
        params: the search section.
        space: of each searched field.
        seed: of the search.
        number: of the trial.
        trials: all that count so far.
    """
    import optuna
    from optuna.samplers import RandomSampler

    known = [trial for trial in trials if trial.state.name != "FAIL"]
    told = _told(params, space, known)
    ended = sum(trial.state.is_finished() for trial in told)
    by_lot = params.sampler == "random" or ended < params.startup_trials
    study = optuna.create_study(direction="maximize")
    study.add_trials(told)
    tried = [dict(trial.user_attrs[VALUES]) for trial in trials]
    values: dict[str, Any] = {}
    for attempt in range(BY_SAMPLER + BY_LOT):
        names = (number,) if attempt == 0 else (number, attempt)
        # numpy's legacy generator, which Optuna uses, takes 32 bits.
        own = derive(seed, "search", *names) % 2**32
        lot = by_lot or attempt >= BY_SAMPLER
        study.sampler = RandomSampler(seed=own) if lot else _sampler(params, own)
        trial = study.ask(dict(space))
        values = dict(trial.params)
        if values not in tried:
            break
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return values


def prepare(params: SearchParams) -> None:
    """Import, beside what this process does meanwhile, what `draw` will need after the start."""
    if params.sampler == "gp" and params.trials > params.startup_trials:
        # optuna takes it for its Gaussian process.
        threading.Thread(target=__import__, args=("torch",)).start()


def prospect(trial: FrozenTrial, complete: Sequence[FrozenTrial]) -> float:
    """Return what a pruned trial might have come to.

    Its best score so far, plus what complete trials, in the median, have still gained from that
    epoch on. Were it told as it stands, a sampler would take the epochs it has missed for a fault
    of its values.
    """
    last = max(trial.intermediate_values)
    own: float = max(trial.intermediate_values.values())
    gains = [
        max(scores.values()) - max(score for epoch, score in scores.items() if epoch <= last)
        for scores in (each.intermediate_values for each in complete)
        if last in scores
    ]
    return own + (statistics.median(gains) if gains else 0.0)


def _sampler(params: SearchParams, seed: int) -> BaseSampler:
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import GPSampler, TPESampler

    if params.sampler == "tpe":
        return TPESampler(n_startup_trials=0, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # A training repeats exactly: the same values and seed have one score.
        return GPSampler(n_startup_trials=0, seed=seed, deterministic_objective=True)


def _told(
    params: SearchParams, space: Mapping[str, BaseDistribution], trials: Sequence[FrozenTrial]
) -> list[FrozenTrial]:
    """Return what a sampler looks at.

    A Gaussian process spans all fields at once: a trial one of whose values lies outside its range
    is none of its points.
    """
    from optuna.trial import TrialState, create_trial

    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    told = []
    for trial in trials:
        state, value = trial.state, trial.value
        if params.sampler == "gp":
            if space.keys() > trial.params.keys():
                continue
            if state == TrialState.PRUNED and trial.intermediate_values:
                state, value = TrialState.COMPLETE, prospect(trial, complete)
        told.append(
            create_trial(
                state=state,
                value=value,
                params=trial.params,
                distributions=trial.distributions,
                intermediate_values=trial.intermediate_values,
            )
        )
    return told
