from __future__ import annotations

import statistics

import pytest

from components.search import Finalist, Retraining, Trial
from components.search.finalists import best_trials, settle, winner_of


def trial(number: int, score: float | None, state: str = "complete") -> Trial:
    return Trial(number, state, {}, score, {}, 1.0, 1, None)  # type: ignore[arg-type]


def again(number: int, round_: int, score: float | None) -> Retraining:
    reason = "loss is nan" if score is None else None
    return Retraining(number, {}, round_, score, {}, 1.0, reason)


def test_mean_decides_and_not_the_best_single_score() -> None:
    finalists = settle({3: 0.9, 1: 0.88}, [again(3, 1, 0.8), again(1, 1, 0.88)], rounds=1)
    winner = winner_of(finalists)
    assert winner is not None
    assert (winner.trial, winner.scores) == (1, (0.88, 0.88))


@pytest.mark.parametrize("order", [(4, 2), (2, 4)])
def test_ties_go_to_the_lower_trial(order: tuple[int, int]) -> None:
    own = dict.fromkeys(order, 0.5)
    winner = winner_of(settle(own, [again(n, 1, 0.7) for n in order], rounds=1))
    assert winner is not None
    assert winner.trial == 2


def test_means_are_over_equally_many_seeds() -> None:
    """Trial 3 has two further scores and trial 1 has one: the second round does not count."""
    some = [again(3, 1, 0.6), again(1, 1, 0.65), again(3, 2, 1.0)]
    finalists = settle({3: 0.7, 1: 0.7}, some, rounds=3)
    assert [f.scores for f in finalists] == [(0.7, 0.6), (0.7, 0.65)]
    assert winner_of(finalists) == finalists[1]


def test_a_round_that_only_one_has_finished_leaves_the_single_scores() -> None:
    finalists = settle({0: 0.7, 1: 0.6}, [again(0, 1, 0.1)], rounds=1)
    assert [f.scores for f in finalists] == [(0.7,), (0.6,)]
    assert finalists[0].spread is None
    assert winner_of(finalists) == finalists[0]


def test_finalist_that_diverged_is_out_and_no_round_waits_for_it() -> None:
    some = [again(0, 1, None), again(1, 1, 0.5), again(1, 2, 0.5), again(2, 1, 0.4)]
    finalists = settle({0: 0.9, 1: 0.8, 2: 0.7}, [*some, again(2, 2, 0.4)], rounds=2)
    assert finalists[0] == Finalist(0, (0.9,), "loss is nan")
    assert [len(f.scores) for f in finalists[1:]] == [3, 3]
    assert winner_of(finalists) == finalists[1]


def test_nobody_wins_when_all_diverged() -> None:
    assert winner_of(settle({0: 0.9, 1: 0.8}, [again(0, 1, None), again(1, 1, None)], 1)) is None
    assert winner_of(()) is None


def test_rounds_and_trials_that_were_not_asked_for_are_left_aside() -> None:
    some = [again(0, 1, 0.5), again(0, 2, 0.1), again(7, 1, 1.0)]
    assert settle({0: 0.9}, some, rounds=1) == (Finalist(0, (0.9, 0.5), None),)
    assert settle({0: 0.9}, [again(0, 2, None)], rounds=1)[0].reason is None


def test_spread_is_the_standard_deviation_of_a_sample() -> None:
    scores = (0.88, 0.9, 0.86)
    finalist = Finalist(0, scores, None)
    assert finalist.mean == pytest.approx(0.88)
    assert finalist.spread == pytest.approx(statistics.variance(scores) ** 0.5)
    assert finalist.spread == pytest.approx(0.02)
    assert finalist.figure == "0.8800 +- 0.0200 over 3 seeds"
    assert Finalist(0, (0.88,), None).figure == "0.8800"


def test_finalists_are_the_best_complete_trials_earlier_ones_first() -> None:
    trials = [
        trial(0, 0.5),
        trial(1, 0.9, "pruned"),
        trial(2, 0.7),
        trial(3, None, "failed"),
        trial(4, 0.5),
        trial(5, 0.6),
    ]
    assert best_trials(trials, 3) == [2, 5, 0]
    assert best_trials(trials, 9) == [2, 5, 0, 4]
    assert best_trials(trials[1:2], 2) == []
