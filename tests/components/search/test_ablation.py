"""In: searches that cost nothing, with altered copies that help or harm. Out: what is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from components.arrays import Array
from components.errors import DivergenceError, Interrupted
from components.params import SearchParams, TrainingParams
from components.search import Copies, Inline, Report, Searched, StudyPlace, arm_of, run_search
from components.search.copies import Ablation, Arms, weigh
from components.search.jobs import Arm
from components.search.retrainings import Retraining
from tests.components.search.objectives import FINALISTS, OWN_SEED, noisy

Section = Callable[..., SearchParams]
ROWS = 400
ASKED = {"seeds": 2, "resamples": 400, "confidence": 0.95}
HALF = np.arange(ROWS) // 2


def accuracy(tallies: Array) -> Array:
    """Return the share of right answers of (..., [right, all])."""
    found: Array = tallies[..., 0] / tallies[..., 1]
    return found


def copies(number: int = 100) -> Copies:
    return Copies(200, number, HALF, accuracy)


class Learner:
    """Is right about a share of the rows, which copies raise by so much; notes how it was asked."""

    def __init__(self, gain: float, dies_at: int | None = None) -> None:
        self.gain, self.dies_at = gain, dies_at
        self.calls: list[tuple[bool | None, int, TrainingParams]] = []

    def __call__(self, training: TrainingParams, seed: int, report: Report) -> float:
        if len(self.calls) == self.dies_at:
            self.dies_at = None
            raise Interrupted("search: ended by SIGTERM")
        self.calls.append((report.copies, seed, training))
        if report.copies is None:
            return noisy(training, seed, report) / 10
        luck = seed % 100 / 10_000
        right = np.arange(ROWS) < ROWS * (0.6 + luck + (self.gain if report.copies else 0.0))
        for epoch in range(1, training.epochs + 1):
            report(epoch, right.mean())
        report.judged(np.stack([right, np.ones(ROWS)], axis=1))
        return float(right.mean())

    def arms(self) -> list[tuple[bool | None, int, TrainingParams]]:
        return [call for call in self.calls if call[0] is not None]


def searched(
    learner: Learner, section: SearchParams, training: TrainingParams, place: StudyPlace
) -> Searched:
    return run_search(section, training, OWN_SEED, Inline(learner), place, copies=copies())


def asked(found: Searched) -> Ablation:
    assert found.ablation is not None
    return found.ablation


@pytest.fixture
def params(section: Section) -> SearchParams:
    return section(trials=3, finalists=FINALISTS, ablation=ASKED)


@pytest.mark.parametrize(("gain", "verdict"), [(0.2, "on"), (0.0, "off"), (-0.2, "off")])
def test_copies_stay_only_where_they_are_shown_to_help(
    params: SearchParams,
    training: TrainingParams,
    place: StudyPlace,
    gain: float,
    verdict: str,
) -> None:
    found = asked(searched(Learner(gain), params, training, place))
    assert found.verdict == verdict
    assert found.gain == pytest.approx(gain, abs=0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.gain < found.high
    assert (found.low > 0) == (gain > 0)
    assert (found.high < 0) == (gain < 0)
    word = {0.2: "help and are trained on", 0.0: "not shown to help", -0.2: "harm"}[gain]
    assert word in found.sentence("accuracy")


def test_both_sides_train_the_winner_with_equal_new_seeds_and_for_as_many_steps(
    params: SearchParams, training: TrainingParams, place: StudyPlace
) -> None:
    learner = Learner(0.0)
    found = searched(learner, params, training, place)
    arms = learner.arms()
    assert [side for side, _, _ in arms] == [True, False] * 2
    seeds = [seed for _, seed, _ in arms]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert not set(seeds) & {seed for side, seed, _ in learner.calls if side is None}
    assert {each.learning_rate for _, _, each in arms} == {found.best_trial.values["learning_rate"]}
    assert [each.epochs for _, _, each in arms] == [3] * 4


def test_a_search_that_was_killed_asks_only_for_what_had_not_ended(
    params: SearchParams, training: TrainingParams, place: StudyPlace
) -> None:
    before = 3 + 2 * 2
    learner = Learner(0.2, dies_at=before + 2)
    with pytest.raises(Interrupted):
        searched(learner, params, training, place)
    found = searched(learner, params, training, place)
    assert len(learner.arms()) == 4
    assert searched(learner, params, training, place) == found
    assert len(learner.calls) == before + 4
    alone = StudyPlace(place.folder, "alone")
    whole = searched(Learner(0.2), params, training, alone)
    assert asked(whole).as_json("accuracy") == asked(found).as_json("accuracy")


def test_an_altered_record_is_trained_again(
    params: SearchParams, training: TrainingParams, place: StudyPlace
) -> None:
    learner = Learner(0.2)
    found = searched(learner, params, training, place)
    kept = sorted((place.own / "arms").rglob("tallies.npz"))
    assert len(kept) == 4
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    again = searched(learner, params, training, place)
    assert len(learner.arms()) == 5
    assert asked(again).as_json("accuracy") == asked(found).as_json("accuracy")


@pytest.mark.parametrize("case", ["null", "none", "nobody"])
def test_nothing_trains_where_there_is_nothing_to_ask(
    section: Section, training: TrainingParams, place: StudyPlace, case: str
) -> None:
    learner = Learner(0.2)
    params = section(trials=2, finalists=FINALISTS, ablation=None if case == "null" else ASKED)
    there = {"null": copies(), "none": copies(0), "nobody": None}[case]
    found = run_search(params, training, OWN_SEED, Inline(learner), place, copies=there)
    assert found.ablation is None
    assert learner.arms() == []


@pytest.mark.parametrize(("side", "verdict"), [(True, "off"), (False, "on")])
def test_a_side_that_diverges_loses(
    params: SearchParams, training: TrainingParams, place: StudyPlace, side: bool, verdict: str
) -> None:
    learner = Learner(0.0)

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        if report.copies is side:
            raise DivergenceError("loss is nan at step 7")
        return learner(given, seed, report)

    found = run_search(params, training, OWN_SEED, Inline(objective), place, copies=copies())
    ablation = asked(found)
    assert (ablation.verdict, ablation.gain) == (verdict, None)
    assert f"with{'' if side else 'out'} them training diverged" in ablation.sentence("accuracy")


def training_of(arm: Arm, score: float) -> Retraining:
    return Retraining(0, {}, arm.round, score, {1: score}, 1.0, None)


def weighed(right: dict[bool, Sequence[Array]], section: SearchParams, groups: Array) -> Ablation:
    """Weigh what was right on both sides, seed by seed."""
    arms = [(Arm(side, seed), told) for side in right for seed, told in enumerate(right[side], 1)]
    trainings = tuple(training_of(arm, float(told.mean())) for arm, told in arms)
    tallies = tuple(np.stack([told, np.ones(len(told))], axis=1) for _, told in arms)
    assert section.ablation is not None
    there = Copies(200, 100, groups, accuracy)
    return weigh(Arms(trainings, tallies), there, section.ablation, (), 7)


def test_seeds_that_part_widen_the_interval(params: SearchParams) -> None:
    """The same gain, once with seeds that agree, once with seeds that part by four points."""
    line = np.arange(ROWS)

    def at(*shares: float) -> list[Array]:
        return [line < ROWS * share for share in shares]

    steady = weighed({True: at(0.7, 0.7), False: at(0.6, 0.6)}, params, line)
    shaky = weighed({True: at(0.68, 0.72), False: at(0.58, 0.62)}, params, line)
    assert steady.gain == pytest.approx(shaky.gain)
    assert steady.low is not None
    assert shaky.low is not None
    assert shaky.low < 0 < steady.low
    assert (steady.verdict, shaky.verdict) == ("on", "off")


def test_rows_of_one_group_count_as_one(params: SearchParams) -> None:
    line = np.arange(ROWS)
    right: dict[bool, Any] = {True: [line < 240] * 2, False: [line < 200] * 2}
    each, grouped = (weighed(right, params, groups) for groups in (line, line // 40))
    assert each.low is not None
    assert grouped.low is not None
    assert grouped.low < each.low


def test_one_seed_and_no_finalist_with_several_tell_nothing(params: SearchParams) -> None:
    line = np.arange(ROWS)
    found = weighed({True: [line < 390], False: [line < 100]}, params, line)
    assert (found.verdict, found.low, found.high) == ("off", None, None)
    assert "cannot be told" in found.sentence("accuracy")


def test_rounds_name_arms_and_nothing_else() -> None:
    arms = [Arm(side, seed) for seed in (1, 2, 30) for side in (True, False)]
    assert [arm_of(arm.round) for arm in arms] == arms
    assert len({arm.round for arm in arms}) == len(arms)
    assert [arm_of(round_) for round_ in (0, 1, 40)] == [None] * 3
