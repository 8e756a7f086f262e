from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from components.thresholds import (
    PRIORS,
    Array,
    best_alone,
    best_each,
    best_together,
    macro_f1,
)


def drawn(seed: int, rows: int, labels: int, decimals: int = 9) -> tuple[Array, Array]:
    """Return logits, some of them equal where few decimals are kept, and true labels."""
    rng = np.random.default_rng(seed)
    gold = rng.random((rows, labels)) < rng.random(labels)
    return np.round(rng.normal(size=gold.shape) + gold, decimals), gold


def every_cut(logits: Array) -> list[float]:
    """Return a threshold for each way to part the values, but that none is answered."""
    values = np.unique(logits)
    return [values[0] - 1, *((values[1:] + values[:-1]) / 2)]


@pytest.mark.parametrize("decimals", [9, 0])
@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_of_a_label_has_a_greater_f1(seed: int, decimals: int) -> None:
    logits, gold = drawn(seed, 12, 1, decimals)
    gold[0] = True
    found = f1_score(gold[:, 0], logits[:, 0] >= best_alone(logits[:, 0], gold[:, 0]))
    assert found == max(f1_score(gold[:, 0], logits[:, 0] >= cut) for cut in every_cut(logits))


@pytest.mark.parametrize("decimals", [9, 0])
@pytest.mark.parametrize("seed", range(20))
def test_no_common_threshold_has_a_greater_macro_f1(seed: int, decimals: int) -> None:
    logits, gold = drawn(seed, 7, 4, decimals)
    gold[:, 3] = False  # counts only once it is answered
    found = macro_f1(logits >= best_together(logits, gold), gold)
    best = max(macro_f1(logits >= cut, gold) for cut in every_cut(logits))
    assert found == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_macro_f1_is_that_of_scikit_learn_over_the_labels_that_occur(seed: int) -> None:
    logits, gold = drawn(seed, 15, 5)
    answered = logits > 1
    seen = (answered | gold).any(axis=0)
    expected = f1_score(gold[:, seen], answered[:, seen], average="macro", zero_division=0)
    assert macro_f1(answered, gold) == pytest.approx(expected)


def test_threshold_lies_midway_between_what_it_parts() -> None:
    logits, gold = np.array([3.0, 1.0, -1.0]), np.array([True, False, False])
    assert best_alone(logits, gold) == 2.0
    assert best_together(logits[:, None], gold[:, None]) == 2.0


@pytest.mark.parametrize("seed", range(6))
def test_each_threshold_lies_between_its_own_best_and_the_common_one(seed: int) -> None:
    logits, gold = drawn(seed, 60, 3)
    found, common = best_each(logits, gold), best_together(logits, gold)
    for label, cut in enumerate(found):
        ends = sorted([common, best_alone(logits[:, label], gold[:, label])])
        assert ends[0] - 1e-12 <= cut <= ends[1] + 1e-12


def test_label_without_a_true_row_takes_the_common_threshold() -> None:
    logits, gold = drawn(3, 40, 4)
    gold[:, 2] = False
    assert best_each(logits, gold)[2] == best_together(logits, gold)


def test_rare_label_stays_nearer_to_the_common_threshold_than_a_frequent_one() -> None:
    rng = np.random.default_rng(5)
    scale = rng.normal(size=(4000, 2))
    # Both labels are best answered 2 above where the four others are; of one, few rows tell.
    logits = np.concatenate([scale + 2, rng.normal(size=(4000, 4))], axis=1)
    chance = 1 / (1 + np.exp(-3 * np.concatenate([scale, logits[:, 2:]], axis=1)))
    gold = rng.random(logits.shape) < chance
    gold[60:, 1] = False
    logits[60:, 1] = -9
    common, found = best_together(logits, gold), best_each(logits, gold)
    own = [best_alone(logits[:, label], gold[:, label]) for label in (0, 1)]
    moved = [(found[label] - common) / (own[label] - common) for label in (0, 1)]
    assert 0 <= moved[1] < moved[0] <= 1


def test_labels_that_share_one_best_threshold_lose_nothing_by_the_guard() -> None:
    """Where own thresholds are nothing but chance, unseen rows are better served by few of them."""
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(800, 8)) - 2
        gold = rng.random(logits.shape) < 1 / (1 + np.exp(-3 * logits))
        known, unseen = slice(0, 150), slice(150, 800)
        own = [best_alone(logits[known, label], gold[known, label]) for label in range(8)]
        guarded = best_each(logits[known], gold[known])
        scores = [macro_f1(logits[unseen] >= cuts, gold[unseen]) for cuts in (guarded, own)]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0


def test_thresholds_do_not_move_with_an_order_that_keeps_the_folds() -> None:
    logits, gold = drawn(9, 50, 3)
    order = np.arange(50).reshape(10, 5)[::-1].ravel()
    assert best_each(logits[order], gold[order]).tolist() == best_each(logits, gold).tolist()


def test_one_row_sets_the_common_threshold() -> None:
    logits, gold = np.array([[2.0, -2.0]]), np.array([[True, False]])
    assert best_each(logits, gold).tolist() == [0.0, 0.0]


def test_guards_reach_from_none_to_nothing_but_it() -> None:
    assert min(PRIORS) == 0
    assert max(PRIORS) == np.inf
