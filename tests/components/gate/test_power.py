"""In: comparisons made by hand. Out: power and further rows that formulas and draws confirm."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from components.bootstrap import by_group
from components.gate.luck import Luck, reach
from components.gate.power import Measured, Right, held, needed, too_few
from tests.components.gate.drawn import difference
from tests.components.gate.shares import share, shares

SE = 0.01
ROWS = 1000


@pytest.mark.parametrize("estimate", [0.0, -0.01, 0.02])
def test_a_change_that_is_just_what_must_be_exceeded_is_held_but_for_the_error(
    estimate: float,
) -> None:
    measured = Measured(estimate, SE, ROWS)
    assert held(measured, -0.01, required=-0.01, confidence=0.95) == pytest.approx(0.975)
    assert held(measured, 0.0, required=0.0, confidence=0.8) == pytest.approx(0.9)


def test_planted_losses_add_their_own_variance() -> None:
    # Variance 0.0001 + (0.02 - 0.0004) / 1000; then 0.02 / 0.010936 + 1.960 = 3.789.
    found = held(Measured(0.0, SE, ROWS), -0.02, required=0.0, confidence=0.95)
    assert found == pytest.approx(norm.cdf(0.02 / math.sqrt(0.0001196) + 1.959964), abs=1e-9)
    # The same loss, measured: nothing is added.
    found = held(Measured(-0.02, SE, ROWS), -0.02, required=0.0, confidence=0.95)
    assert found == pytest.approx(norm.cdf(0.02 / SE + 1.959964), abs=1e-9)


@pytest.mark.parametrize(("change", "required"), [(-0.02, 0.0), (0.03, 0.0), (0.01, -0.02)])
def test_stated_power_is_what_draws_of_such_candidates_show(change: float, required: float) -> None:
    rows, noise, draws = 800, 0.04, 20_000
    rng = np.random.default_rng(3)
    fixed, broken = noise + max(change, 0), noise + max(-change, 0)
    counts = rng.multinomial(rows, [fixed, broken, 1 - fixed - broken], size=draws) / rows
    gap, changed = counts[:, 0] - counts[:, 1], counts[:, 0] + counts[:, 1]
    shown = gap - 1.959964 * np.sqrt((changed - gap**2) / rows) > required
    before = Measured(0.0, math.sqrt(2 * noise / rows), rows)
    assert held(before, change, required, 0.95) == pytest.approx(1 - shown.mean(), abs=0.02)


RIGHT = Right(both=700, fixed=20, broken=30, neither=50)


def drawn(change: float, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Return differences and their standard errors, from test sets of 800 rows as RIGHT says.

    In each, so many of the candidate's answers are turned, whichever they are, that the truth is
    `change`.
    """
    rng, rows = np.random.default_rng(4), 800
    both, fixed, broken, neither = (
        count / rows for count in (RIGHT.both, RIGHT.fixed, RIGHT.broken, RIGHT.neither)
    )
    turned = change - (fixed - broken)
    share = abs(turned) / (broken + neither if turned > 0 else both + fixed)
    if turned > 0:
        fixed, broken = fixed + share * neither, broken * (1 - share)
    else:
        fixed, broken = fixed * (1 - share), broken + share * both
    shares = [fixed, broken, 1 - fixed - broken]
    counts = rng.multinomial(rows, shares, size=draws) / rows
    gap = counts[:, 0] - counts[:, 1]
    return gap, np.sqrt((counts[:, 0] + counts[:, 1] - gap**2) / rows)


@pytest.mark.parametrize("luck", [None, Luck(0.005, 3)])
@pytest.mark.parametrize("change", [-0.03, -0.01, 0.01, 0.02, 0.03, 0.04])
def test_stated_power_of_turned_answers_is_what_draws_show(
    change: float, luck: Luck | None
) -> None:
    gap, se = drawn(change, 4000)
    above = [reach(each, luck or Luck(0.0, 1), 0.95) for each in se]
    found = held(measured_as_right(), change, 0.0, 0.95, luck)
    assert found == pytest.approx(1 - np.mean(gap > above), abs=0.02)


def measured_as_right() -> Measured:
    apart, gap = 50 / 800, -10 / 800
    return Measured(gap, math.sqrt((apart - gap**2) / 800), 800, RIGHT)


def test_a_gain_that_undoes_what_was_broken_is_seen_more_often() -> None:
    known = Measured(0.0, math.sqrt(60) / 800, 800, Right(700, 30, 30, 40))
    unknown = replace(known, right=None)
    assert held(known, 0.02, 0.0, 0.95) < held(unknown, 0.02, 0.0, 0.95) - 0.02


def test_seeds_that_lie_far_apart_hold_more_gains_and_no_fewer_losses() -> None:
    for change in (-0.01, 0.01, 0.03):
        rates = [
            held(measured_as_right(), change, 0.0, 0.95, luck)
            for luck in (None, Luck(0.0, 1), Luck(0.004, 5), Luck(0.004, 1))
        ]
        assert rates == sorted(rates)
        assert rates[0] == rates[1]


def test_without_any_noise_only_what_is_planted_varies() -> None:
    found = held(Measured(0.0, 0.0, 400), 0.05, required=0.0, confidence=0.95)
    assert found == pytest.approx(norm.cdf(-0.05 / math.sqrt(0.0475 / 400) + 1.959964))
    assert held(Measured(0.0, 0.0, 400), 0.0, required=-0.01, confidence=0.95) == 0.0


@pytest.mark.parametrize(
    "measured", [Measured(math.nan, SE, 9), Measured(0.0, math.nan, 9), Measured(0.0, SE, 0)]
)
def test_what_was_not_measured_has_no_power(measured: Measured) -> None:
    assert math.isnan(held(measured, -0.01, 0.0, 0.95))


def test_further_rows_follow_the_textbook() -> None:
    # (1.95996 + 0.84162)^2 = 7.849 times the rows there are, less those.
    assert needed(Measured(0.01, SE, ROWS), 0.0, 0.95, among=1) == 6849
    assert needed(Measured(-0.01, SE, ROWS), 0.0, 0.95, among=1) == 6849
    assert needed(Measured(0.0, SE, ROWS), -0.01, 0.95, among=1) == 6849


def test_with_so_many_rows_the_stated_power_is_four_in_five() -> None:
    measured = Measured(0.008, 0.006, 700)
    further = needed(measured, 0.0, 0.95, among=1)
    assert further is not None
    rows = 700 + further
    later = Measured(0.008, 0.006 * math.sqrt(700 / rows), rows)
    assert held(later, 0.008, 0.0, 0.95) == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize(("margin", "fewest"), [(0.01, 276), (0.05, 54)])
def test_too_few_groups_say_how_many_it_takes_to_tell_equal_models_from_worse_ones(
    margin: float, fewest: int
) -> None:
    told = too_few(fewest - 1, margin, 0.95)
    assert told.endswith(f"even of equal models, which takes {fewest}")
    assert too_few(fewest, margin, 0.95) == ""
    right = np.ones(fewest)
    for groups, shown in ((fewest - 1, False), (fewest, True)):
        sums = [by_group(shares(right[:groups]), [str(i) for i in range(groups)])] * 2
        found = difference([share, share], sums, 1000, 0.95, np.random.default_rng(1))
        assert (found.low > -margin) is shown


def test_many_slices_need_more_rows_than_one() -> None:
    some = [needed(Measured(0.0, 0.03, 300), -0.05, 0.95, among) for among in (1, 5, 50)]
    assert None not in some
    assert some[0] < some[1] < some[2]  # type: ignore[operator]


def test_a_comparison_that_is_settled_needs_one_row_at_least() -> None:
    assert needed(Measured(0.5, SE, ROWS), 0.0, 0.95, among=1) == 1


def test_nobody_knows_how_many_rows_settle_a_tie() -> None:
    assert needed(Measured(-0.01, SE, ROWS), -0.01, 0.95, among=1) is None
    # A hundredth of a point off, with an error of a point, takes 78,489 times the rows.
    assert needed(Measured(0.0001, SE, ROWS), 0.0, 0.95, among=1) is None
    assert needed(Measured(math.nan, SE, ROWS), 0.0, 0.95, among=1) is None
    assert needed(Measured(0.01, math.nan, ROWS), 0.0, 0.95, among=1) is None
