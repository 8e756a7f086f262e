"""In: tallies and answers made by hand. Out: bounds and tests that hold what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from components.gate.statistics import Difference, by_group, difference, mcnemar
from components.tasks.base import Array, Task


def share(tallies: Array) -> Array:
    """Accuracy, of tallies (right, all)."""
    return tallies[..., 0] / tallies[..., 1]


def tallies(right: Array) -> Array:
    return np.stack([right, np.ones_like(right)], axis=1).astype(float)


def compare(candidate: Array, champion: Array, groups: list[str], seed: int = 0) -> Difference:
    sums = [by_group(tallies(who), groups) for who in (candidate, champion)]
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
    clustered = compare(*copies, [str(i // 8) for i in range(400)])
    naive = compare(*copies, [str(i) for i in range(400)])
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
        metrics = task.metrics(examples, logits)
        assert float(task.score(sums)) == pytest.approx(metrics[task.metric], abs=1e-12)
    assert np.isnan(task.score(np.zeros(6)))


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
