"""In: scores of finalists over seeds. Out: sentences that claim no more than the seeds show."""

from __future__ import annotations

import dataclasses

import pytest

from components.search import Finalist, Searched
from components.search.belief import lead, sentence, statements
from tests.components.search import found


def told(searched: Searched) -> dict[str, tuple[str, str]]:
    return {s.title: (s.state, s.text) for s in statements(searched, found.about())}


def test_lead_is_paired_so_that_what_a_seed_gives_to_both_is_no_spread() -> None:
    ahead = lead((0.80, 0.90, 0.70), (0.79, 0.89, 0.69))
    assert ahead.mean == pytest.approx(0.01)
    assert ahead.proved
    assert not lead((0.80, 0.90, 0.70), (0.69, 0.79, 0.89)).proved


def test_lead_of_one_seed_proves_nothing_however_large() -> None:
    ahead = lead((0.9,), (0.1,))
    assert ahead.half is None
    assert not ahead.proved
    assert ahead.needed is None


def test_interval_is_student_s() -> None:
    # 2.776445 is the 0.975 quantile of t with 4 degrees of freedom.
    ahead = lead((0.01, 0.02, 0.03, 0.04, 0.05), (0.0,) * 5)
    assert ahead.half == pytest.approx(2.776445 * 0.0158114 / 5**0.5, rel=1e-5)


def test_needed_seeds_are_the_fewest_that_would_prove_the_lead() -> None:
    ahead = lead((0.82, 0.78, 0.80), (0.80, 0.79, 0.78))
    assert not ahead.proved
    assert ahead.needed is not None
    assert ahead.needed > 3


def test_lead_that_is_no_lead_needs_more_seeds_than_there_are() -> None:
    assert lead((0.8, 0.7), (0.8, 0.9)).needed is None


def test_sentence_names_the_winner_its_mean_and_its_lead_over_the_defaults() -> None:
    assert sentence(found.mixed(), found.about()) == (
        "Trial 3 wins: macro F1 0.8500 on validation, the mean of 3 seeds, 5.00 points above the "
        "defaults."
    )


def test_winner_that_another_seed_would_turn_round_is_not_believed() -> None:
    searched = dataclasses.replace(
        found.small(),
        finalists=(Finalist(2, (0.82, 0.78, 0.81), None), Finalist(1, (0.80, 0.79, 0.78), None)),
    )
    state, text = told(searched)["Ahead of trial 1, the second"]
    assert state == "open"
    assert "cannot be told apart" in text
    assert "search.finalists.seeds:" in text


def test_single_seed_is_never_believed() -> None:
    searched = dataclasses.replace(
        found.small(), finalists=(Finalist(2, (0.82,), None), Finalist(1, (0.2,), None))
    )
    assert told(searched)["Ahead of trial 1, the second"][0] == "open"


def test_defaults_that_win_are_said_to_stand() -> None:
    assert sentence(found.small(), found.about()).startswith("The defaults stand: macro F1 0.8033")


def test_value_at_the_end_of_its_range_is_pointed_at() -> None:
    trials = list(found.mixed().trials)
    trials[3] = dataclasses.replace(trials[3], values={**trials[3].values, "learning_rate": 1e-2})
    searched = dataclasses.replace(found.mixed(), trials=tuple(trials))
    assert "upper end of search.space.learning_rate" in told(searched)["At the end of a range"][1]
    assert "At the end of a range" not in told(found.mixed())


def test_nothing_drawn_at_0_counts_as_an_end() -> None:
    trials = list(found.mixed().trials)
    trials[3] = dataclasses.replace(trials[3], values={**trials[3].values, "dropout": 0.0})
    assert "At the end of a range" not in told(
        dataclasses.replace(found.mixed(), trials=tuple(trials))
    )
