from __future__ import annotations

import math
from collections.abc import Callable

import optuna
import pytest

from components.params import SearchParams
from components.search.draws import draw, prospect

Section = Callable[..., SearchParams]
SMALL = {
    "batch_size": optuna.distributions.IntDistribution(8, 24, step=8),
    "decay": optuna.distributions.CategoricalDistribution(("linear", "cosine")),
}


def tried(number: int, values: dict[str, object], score: float | None) -> optuna.trial.FrozenTrial:
    """A trial that has ended with a score, or still runs."""
    state = optuna.trial.TrialState
    return optuna.trial.create_trial(
        state=state.RUNNING if score is None else state.COMPLETE,
        value=score,
        params=values,
        distributions=SMALL,
        user_attrs={"number": number, "values": values},
    )


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random"])
def test_draw_depends_on_seed_number_and_trials_alone(section: Section, sampler: str) -> None:
    params, trials = (
        section(startup_trials=1, sampler=sampler),
        [tried(0, {"batch_size": 8, "decay": "linear"}, 0.5)],
    )
    first = draw(params, SMALL, 7, 1, trials)
    assert draw(params, SMALL, 7, 1, trials) == first
    others = [draw(params, SMALL, seed, 1, trials) for seed in range(20)]
    # What a Gaussian process expects the most of has little to do with the seed.
    assert sampler == "gp" or any(other != first for other in others)


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random"])
def test_no_values_are_drawn_twice_while_there_are_others(section: Section, sampler: str) -> None:
    params, trials = section(startup_trials=2, sampler=sampler), []
    for number in range(6):
        score = None if number % 2 else number / 10
        trials.append(tried(number, draw(params, SMALL, 7, number, trials), score))
    assert len({str(trial.params) for trial in trials}) == 6, "the space holds six"
    assert draw(params, SMALL, 7, 6, trials) in [trial.params for trial in trials]


RATE = {"learning_rate": optuna.distributions.FloatDistribution(1e-5, 1e-2, log=True)}


def scored(number: int, rate: float, scores: list[float], state: str) -> optuna.trial.FrozenTrial:
    """A trial of one field that has ended, with its score by epoch."""
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState[state],
        value=max(scores) if state == "COMPLETE" else None,
        params={"learning_rate": rate},
        distributions=RATE,
        intermediate_values=dict(enumerate(scores, start=1)),
        user_attrs={"number": number, "values": {"learning_rate": rate}},
    )


def hill(rate: float) -> float:
    """A score that is best at 1e-3."""
    return 1.0 - (math.log10(rate) + 3.0) ** 2 / 4.0


@pytest.mark.parametrize("seed", range(3))
def test_a_gaussian_process_finds_the_top_of_a_hill_within_a_few_trials(
    section: Section, seed: int
) -> None:
    params = section(startup_trials=2, sampler="gp")
    trials = [scored(0, 5e-5, [hill(5e-5)], "COMPLETE")]
    for number in range(1, 8):
        rate = draw(params, RATE, seed, number, trials)["learning_rate"]
        trials.append(scored(number, rate, [hill(rate)], "COMPLETE"))
    assert max(hill(trial.params["learning_rate"]) for trial in trials) > 0.99


def test_a_pruned_trial_is_told_as_what_it_might_have_come_to() -> None:
    whole = [
        scored(0, 1e-3, [0.2, 0.5, 0.9, 0.8], "COMPLETE"),
        scored(1, 2e-3, [0.4, 0.5, 0.6, 0.7], "COMPLETE"),
    ]
    pruned = scored(2, 1e-4, [0.3, 0.1], "PRUNED")
    assert prospect(pruned, whole) == pytest.approx(0.3 + (0.4 + 0.2) / 2)
    assert prospect(pruned, []) == 0.3


def test_a_pruned_trial_does_not_repel_from_values_whose_end_it_never_saw(section: Section) -> None:
    params = section(startup_trials=2, sampler="gp")
    whole = [scored(n, r, [0.1, 0.9], "COMPLETE") for n, r in ((0, 1e-3), (1, 1e-4))]
    late = scored(2, 3e-3, [0.09], "PRUNED")
    rate = draw(params, RATE, 7, 3, [*whole, late])["learning_rate"]
    poor = scored(2, 3e-3, [0.09, 0.09], "COMPLETE")
    away = draw(params, RATE, 7, 3, [*whole, poor])["learning_rate"]
    assert abs(math.log(rate / 3e-3)) < abs(math.log(away / 3e-3))


def test_a_gaussian_process_passes_over_a_trial_outside_the_range(section: Section) -> None:
    """Trial 0 may train with a value that its range lacks."""
    params = section(startup_trials=1, sampler="gp")
    outside = optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE,
        value=0.5,
        user_attrs={"number": 0, "values": {"learning_rate": 1.0}},
    )
    trials = [outside, *(scored(n, 10.0**-n, [hill(10.0**-n)], "COMPLETE") for n in range(2, 6))]
    rate = draw(params, RATE, 7, 6, trials)["learning_rate"]
    assert 2e-4 < rate < 5e-3
