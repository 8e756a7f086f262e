"""In: tallies and answers made by hand. Out: bounds and tests that hold what they claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score

from components.bootstrap import Question, answer, by_group, together
from components.gate.mcnemar import mcnemar
from components.gate.statistics import (
    Difference,
    Slice,
    SliceDifference,
    ask_difference,
    ask_intervals,
    ask_slices,
    slices_of,
)
from components.tasks.base import Array, Task
from tests.components.gate.drawn import difference, interval, intervals, slice_differences
from tests.components.gate.shares import share, shares

Z = 1.959964


def compare(candidate: Array, champion: Array, groups: list[str], seed: int = 0) -> Difference:
    sums = [by_group(shares(who), groups) for who in (candidate, champion)]
    return difference([share, share], sums, 2000, 0.95, np.random.default_rng(seed))


def test_bounds_are_those_of_scipy_when_every_example_is_its_own_group() -> None:
    rng = np.random.default_rng(1)
    champion = (rng.random(400) < 0.85).astype(float)
    candidate = np.where(rng.random(400) < 0.3, 1 - champion, champion)
    found = compare(candidate, champion, [str(i) for i in range(400)])
    reference = bootstrap(
        (candidate - champion,), np.mean, confidence_level=0.95, method="BCa", rng=2
    )
    bounds = reference.confidence_interval
    assert found.estimate == pytest.approx((candidate - champion).mean())
    assert found.se == pytest.approx(reference.standard_error, rel=0.05)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=0.006)


def test_examples_of_one_group_count_as_one() -> None:
    rng = np.random.default_rng(3)
    champion = (rng.random(50) < 0.8).astype(float)
    candidate = np.where(rng.random(50) < 0.2, 1 - champion, champion)
    once = compare(candidate, champion, [str(i) for i in range(50)])
    copies = [np.repeat(who, 8) for who in (candidate, champion)]
    clustered = compare(copies[0], copies[1], [str(i // 8) for i in range(400)])
    naive = compare(copies[0], copies[1], [str(i) for i in range(400)])
    assert (clustered.low, clustered.high) == (once.low, once.high)
    assert naive.high - naive.low < 0.6 * (clustered.high - clustered.low)


def test_models_that_never_differed_may_still_differ_by_what_so_few_groups_can_hide() -> None:
    right = (np.random.default_rng(4).random(100) < 0.8).astype(float)
    found = compare(right, right, [str(i) for i in range(100)])
    assert found.estimate == 0
    # The share of differing groups that 100 groups hide once in 40 times is 3.6 %.
    assert found.low == -found.high == pytest.approx(-1.96 * 2**0.5 / 102, rel=1e-3)


def test_same_seed_draws_the_same_and_row_order_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    candidate, champion = (rng.random((2, 300)) < 0.8).astype(float)
    groups = [str(i // 3) for i in range(300)]
    order = rng.permutation(300)
    found = compare(candidate, champion, groups)
    shuffled = compare(candidate[order], champion[order], [groups[i] for i in order])
    assert found == compare(candidate, champion, groups) == shuffled
    assert found != compare(candidate, champion, groups, seed=6)


def test_task_score_of_summed_tallies_is_the_task_metric(task: Task) -> None:
    rng = np.random.default_rng(7)
    for rows in (1, 2, 50):
        examples = [{"label": task.labels[i]} for i in rng.integers(0, 3, rows)]
        logits = list(rng.normal(size=(rows, 3)))
        sums = task.tallies(examples, logits).sum(axis=0)
        gold, answers = [e["label"] for e in examples], [a.label for a in task.decode(logits)]
        expected = f1_score(gold, answers, average="macro")
        assert float(task.score(sums)) == pytest.approx(expected, abs=1e-12)
        assert float(task.score(sums, "accuracy")) == accuracy_score(gold, answers)
    assert np.isnan(task.score(np.zeros(6)))


def alone(right: Array, groups: list[str] | None = None, seed: int = 0) -> tuple[float, float]:
    sums = by_group(shares(right), groups or [str(i) for i in range(len(right))])
    found = interval(share, sums, 2000, 0.95, np.random.default_rng(seed))
    return found.low, found.high


def test_no_mistake_among_few_is_no_proof_of_none() -> None:
    low, high = alone(np.ones(100))
    assert (low, high) == pytest.approx((1 - Z * 2**0.5 / 102, 1.0), rel=1e-6)


def test_one_group_that_moves_counts_as_three() -> None:
    champion = np.ones(400)
    candidate = np.arange(400) > 0
    found = compare(candidate, champion, [str(i) for i in range(400)])
    # One of 400 has a standard error of 1/400; with one more up and one more down, root 3 of it.
    assert found.se == pytest.approx(3**0.5 / 400, rel=0.05)
    assert found.low < found.estimate - Z * found.se + 1e-9
    assert found.high >= 0


def test_a_rare_mistake_has_more_room_below_than_above() -> None:
    right = np.arange(1000) >= 20
    low, high = alone(right)
    # Clopper and Pearson, exact for independent answers: 0.9693 to 0.9877.
    assert 0.98 - low > high - 0.98
    assert (low, high) == pytest.approx((0.9693, 0.9877), abs=0.0025)


def covered(truth: float, rows: int, size: int, trials: int) -> tuple[float, float]:
    """Return how often the interval lies above the truth, and below; answers come by group."""
    rng, above, below = np.random.default_rng(11), 0, 0
    for trial in range(trials):
        right = np.repeat(rng.random(rows // size) < truth, size)
        groups = [str(i // size) for i in range(rows)]
        sums = by_group(shares(right), groups)
        found = interval(share, sums, 1000, 0.95, np.random.default_rng(trial))
        above, below = above + (found.low > truth), below + (found.high < truth)
    return above / trials, below / trials


@pytest.mark.parametrize(("truth", "rows", "size"), [(0.9, 300, 1), (0.97, 400, 2)])
def test_either_bound_errs_about_as_often_as_it_may(truth: float, rows: int, size: int) -> None:
    above, below = covered(truth, rows, size, trials=300)
    assert above < 0.055
    assert below < 0.055
    assert above + below > 0.005


def test_many_scores_on_the_same_draws_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(8)
    sums = [by_group(shares(rng.random(200) < p), [str(i) for i in range(200)]) for p in (0.8, 0.5)]
    both = intervals([(share, each) for each in sums], 1500, 0.9, np.random.default_rng(1))
    one_by_one = [interval(share, each, 1500, 0.9, np.random.default_rng(1)) for each in sums]
    assert both == one_by_one


def test_what_cannot_be_scored_has_no_bounds() -> None:
    found = interval(share, np.zeros((5, 2)), 1000, 0.95, np.random.default_rng(1))
    assert np.isnan([found.estimate, found.low, found.high, found.se]).all()


def by_slice(
    right: tuple[Array, Array], rows: list[list[int]], judged: list[bool], margin: float
) -> list[SliceDifference]:
    groups = [f"{i // 2:04}" for i in range(len(right[0]))]
    slices = slices_of([shares(who) for who in right], groups, rows, judged)
    return slice_differences([share, share], slices, margin, 2000, 0.95, np.random.default_rng(0))


def two(seed: int, rows: int = 600) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    champion = rng.random(rows) < 0.85
    return np.where(rng.random(rows) < 0.08, ~champion, champion), champion


def test_a_slice_of_everything_is_the_whole() -> None:
    both = two(1)
    (found,) = by_slice(both, [list(range(600))], [True], 0.03)
    whole = compare(both[0], both[1], [f"{i // 2:04}" for i in range(600)])
    assert (found.estimate, found.se, found.groups) == (whole.estimate, whole.se, whole.groups)
    assert (found.low, found.high) == (whole.low, whole.high)


def test_a_slice_sees_its_own_rows_alone() -> None:
    candidate, champion = two(2)
    candidate[:200] = champion[:200]
    candidate[200:250] = ~champion[200:250]
    rows = [list(range(200)), list(range(200, 600))]
    same, other = by_slice((candidate, champion), rows, [True, True], 0.05)
    right = [who[200:].mean() for who in (candidate, champion)]
    assert (same.estimate, same.groups) == (0, 100)
    assert other.estimate == pytest.approx(right[0] - right[1])


@pytest.mark.parametrize("seed", range(6))
def test_a_slice_is_shown_to_hold_just_when_its_bound_is_above_the_margin(seed: int) -> None:
    rows = [list(range(600))]
    (found,) = by_slice(two(seed), rows, [True], 0.03)
    for bound, name in ((found.low, "p_value"), (found.high, "p_worse")):
        if bound >= 0:
            continue
        for off in (-0.002, 0.002):
            (again,) = by_slice(two(seed), rows, [True], off - bound)
            shown = getattr(again, name) <= 0.025
            assert shown == (off > 0 if name == "p_value" else off < 0)


def test_only_judged_slices_count_among_those_that_must_hold_together() -> None:
    rows = [list(range(start, start + 200)) for start in (0, 200, 400)]
    all_three = by_slice(two(3), rows, [True, True, True], 0.05)
    first = by_slice(two(3), rows, [True, False, False], 0.05)
    assert [each.p_value for each in first[1:]] == [None, None]
    assert [each.p_worse for each in first[1:]] == [None, None]
    assert first[0].p_value is not None
    assert all_three[0].p_value is not None
    assert first[0].p_value < all_three[0].p_value
    assert [each.low for each in first] == [each.low for each in all_three]


def test_a_loss_in_one_slice_is_shown_there_and_only_there() -> None:
    champion = np.random.default_rng(5).random(900) < 0.9
    candidate = champion.copy()
    candidate[:120] = False
    rows = [list(range(start, start + 300)) for start in (0, 300, 600)]
    found = by_slice((candidate, champion), rows, [True] * 3, 0.05)
    assert [each.p_worse is not None and each.p_worse <= 0.025 for each in found] == [
        True,
        False,
        False,
    ]
    assert [each.p_value is not None and each.p_value <= 0.025 for each in found] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("fixed", "broken", "p_value"),
    [(0, 0, 1.0), (5, 0, 0.0625), (3, 3, 1.0), (10, 2, 0.03857421875)],
)
def test_mcnemar_is_exact(fixed: int, broken: int, p_value: float) -> None:
    candidate = np.array([True] * fixed + [False] * broken + [True, False])
    champion = np.array([False] * fixed + [True] * broken + [True, False])
    found = mcnemar(candidate, champion)
    assert (found.fixed, found.broken) == (fixed, broken)
    assert found.p_value == pytest.approx(p_value)


def test_a_score_that_may_be_negative_has_a_bound_that_is() -> None:
    sums = np.random.default_rng(0).normal(size=(60, 1)) * 0.1
    tallies = np.concatenate([sums, np.ones((60, 1))], axis=1)

    def mean(totals: Array) -> Array:
        return totals[..., 0] / totals[..., 1]

    def low(least: list[float] | None) -> float:
        return intervals([(mean, tallies)], 1000, 0.95, np.random.default_rng(1), least)[0].low

    assert low([-1.0]) < 0 == low(None)


def test_questions_asked_together_are_answered_as_each_alone() -> None:
    """One stream of draws serves all, and tallies that several scores share are summed once."""
    rng = np.random.default_rng(5)
    sums = rng.integers(0, 5, (40, 2)).astype(float) + np.array([0, 1])
    other = sums[rng.permutation(40)]
    index = np.arange(0, 40, 3)
    few = [sparse.csr_array(each[index]) for each in (sums, other)]
    asked: list[Question[Any]] = [
        ask_intervals([(share, sums), (lambda t: 1 - share(t), sums)], 0.9),
        ask_difference([share, share], [sums, other], 0.95),
        ask_slices([share, share], [Slice(index, (few[0], few[1]), 40, True)], 0.05, 0.95),
    ]
    alone = [answer(each, 500, np.random.default_rng(1)) for each in asked]
    assert answer(together(asked), 500, np.random.default_rng(1)) == alone
