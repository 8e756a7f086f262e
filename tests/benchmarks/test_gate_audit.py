"""In: recorded answers. Out: a small audit, and laws of how changes are planted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate_audit import Line
from benchmarks.population import plant, plant_slices
from benchmarks.trials import Scenario, population, run

TRIALS = 60


def promoted(scenario: Scenario, when: str) -> float:
    return float(np.mean([each.promoted[when] for each in run(scenario, range(TRIALS))]))


def test_a_retrained_model_is_no_better_than_itself() -> None:
    # 5 % of 60 trials are 3; 9 would be one audit in a thousand.
    assert promoted(Scenario("exchanged", 400), "superior") < 9 / TRIALS


def test_a_model_that_is_worse_by_the_margin_is_not_promoted() -> None:
    assert promoted(Scenario("planted", 400, -0.01), "non_inferior") < 9 / TRIALS


def test_a_model_that_is_far_better_is_promoted() -> None:
    assert promoted(Scenario("planted", 900, 0.03), "superior") > 0.7


def test_a_trial_depends_on_its_number_alone() -> None:
    scenario = Scenario("retrained", 200)
    assert run(scenario, [3, 4])[1] == run(scenario, [4])[0] != run(scenario, [5])[0]


@pytest.mark.parametrize("change", [-0.05, -0.01, 0.0, 0.02])
def test_what_is_planted_is_true_of_all_rows(change: float) -> None:
    everyone, rng = population(), np.random.default_rng(1)
    new, old = everyone.answers[0], everyone.answers[1]
    planted = plant(everyone, new, old, change, rng)
    truth = everyone.metric(planted) - everyone.metric(old)
    assert change - 2 / len(new) < truth <= change


def test_what_is_planted_in_a_slice_stays_there() -> None:
    everyone, rng = population(), np.random.default_rng(2)
    new, old = everyone.answers[0], everyone.answers[1]
    rows = everyone.parts()["channel: phone"]
    planted = plant(everyone, new, old, -0.1, rng, rows)
    truth = everyone.metric(planted, rows) - everyone.metric(old, rows)
    assert truth == pytest.approx(-0.1, abs=0.005)
    assert set(np.flatnonzero(planted != new)) <= set(rows)


def test_a_loss_in_all_slices_is_in_none_of_them_smaller() -> None:
    everyone, rng = population(), np.random.default_rng(3)
    old = everyone.answers[1]
    planted = plant_slices(everyone, everyone.answers[0], old, -0.05, rng)
    for rows in everyone.parts().values():
        truth = everyone.metric(planted, rows) - everyone.metric(old, rows)
        assert -0.056 < truth <= -0.05


def test_groups_are_drawn_whole_and_told_apart_when_drawn_twice() -> None:
    everyone = population()
    rows, groups = everyone.draw(1000, np.random.default_rng(4))
    assert len(rows) == pytest.approx(1000, rel=0.1)
    members = {tuple(each) for each in everyone.members}
    drawn = [tuple(rows[groups == group]) for group in np.unique(groups)]
    assert set(drawn) <= members
    assert len(set(drawn)) < len(drawn)


def test_a_figure_outside_its_limits_is_missed() -> None:
    assert Line("", 10, 0.06, most=0.05).missed
    assert Line("", 10, 0.90, least=0.93, most=0.97).missed
    assert not Line("", 10, 0.05, most=0.05).missed
    assert not Line("", 10, 0.5).missed
    assert Line("", 10, float("nan"), most=0.05).missed
