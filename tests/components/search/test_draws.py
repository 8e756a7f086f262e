from __future__ import annotations

from collections.abc import Callable

import optuna

from components.params import SearchParams
from components.search.draws import draw

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


def test_draw_depends_on_seed_number_and_trials_alone(section: Section) -> None:
    params, trials = (
        section(startup_trials=1),
        [tried(0, {"batch_size": 8, "decay": "linear"}, 0.5)],
    )
    first = draw(params, SMALL, 7, 1, trials)
    assert draw(params, SMALL, 7, 1, trials) == first
    others = [draw(params, SMALL, seed, 1, trials) for seed in range(20)]
    assert any(other != first for other in others)


def test_no_values_are_drawn_twice_while_there_are_others(section: Section) -> None:
    params, trials = section(startup_trials=2), []
    for number in range(6):
        score = None if number % 2 else number / 10
        trials.append(tried(number, draw(params, SMALL, 7, number, trials), score))
    assert len({str(trial.params) for trial in trials}) == 6, "the space holds six"
    assert draw(params, SMALL, 7, 6, trials) in [trial.params for trial in trials]
