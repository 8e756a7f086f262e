"""In: gains, and what seeds scored. Out: which gains are more than a lucky seed."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import norm, t

from components.gate.luck import Luck, beyond_luck, luck_of
from components.gate.statistics import Difference


def gain(estimate: float, se: float = 0.004) -> Difference:
    return Difference(estimate, estimate - 2 * se, estimate + 2 * se, se, 500)


def finalists(*scores: list[float], reason: str | None = None) -> dict[str, Any]:
    return {
        "trials": [{"trial": i, "scores": own, "reason": reason} for i, own in enumerate(scores)],
        "winner": 0,
    }


def test_the_spread_is_pooled_about_each_finalists_own_mean() -> None:
    found = luck_of(finalists([0.90, 0.92], [0.80, 0.84]))
    assert found is not None
    assert found.freedom == 2
    assert found.spread == pytest.approx(((0.0002 + 0.0008) / 2) ** 0.5)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"trials": "no"},
        finalists([0.9]),
        finalists([0.9, float("nan")]),
        finalists([0.9, 0.8], reason="diverged"),
    ],
)
def test_without_two_seeds_nothing_is_known_of_luck(told: dict[str, Any] | None) -> None:
    assert luck_of(told) is None


def test_a_gain_that_another_seed_may_give_is_open_however_many_examples_show_it() -> None:
    rule = beyond_luck(gain(0.01, se=1e-6), Luck(0.005, 3), 0.95)
    assert rule.state == "open"
    assert "seeds lie 0.5 points apart" in rule.reason


def test_a_gain_beyond_data_and_seeds_holds_and_a_loss_is_broken() -> None:
    assert beyond_luck(gain(0.06), Luck(0.005, 3), 0.95).state == "holds"
    assert beyond_luck(gain(-0.06), Luck(0.005, 3), 0.95).state == "broken"


def test_variances_add_up_and_few_seeds_ask_for_more() -> None:
    rule = beyond_luck(gain(0.0, se=0.003), Luck(0.002, 2), 0.95)
    variance = 0.003**2 + 2 * 0.002**2
    freedom = 2 * (variance / (2 * 0.002**2)) ** 2
    assert rule.interval is not None
    assert rule.interval[1] == pytest.approx(t.isf(0.025, freedom) * variance**0.5)
    assert rule.interval[1] > norm.isf(0.025) * variance**0.5


def test_seeds_that_do_not_differ_leave_the_examples_alone_to_decide() -> None:
    rule = beyond_luck(gain(0.0, se=0.003), Luck(0.0, 1), 0.95)
    assert rule.interval is not None
    assert rule.interval[1] == pytest.approx(norm.isf(0.025) * 0.003)


def test_what_is_not_known_informs_and_what_is_no_number_is_broken() -> None:
    assert beyond_luck(gain(0.01), None, 0.95).state == "informs"
    assert beyond_luck(gain(float("nan")), Luck(0.005, 3), 0.95).state == "broken"
