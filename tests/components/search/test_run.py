"""In: a search over a small space. Out: its trials, in their order and within their ranges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from components.errors import DivergenceError, ParamsError
from components.params import SearchParams, TrainingParams
from components.search import Inline, Report, StudyPlace, run_search
from tests.components.search.objectives import distance

Section = Callable[..., SearchParams]


def test_trial_0_is_the_training_section_untouched(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    seen = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        seen.append(given)
        return distance(given, seed, report)

    run_search(section(trials=2), training, 7, Inline(objective), place)
    assert seen[0] == training.model_copy(update={"epochs": 3})
    assert seen[1] != seen[0]


def test_default_outside_its_range_is_trained_as_it_is(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    outside = training.model_copy(update={"learning_rate": 0.05, "decay": "linear"})
    searched = run_search(section(trials=3), outside, 7, Inline(distance), place)
    assert searched.trials[0].values["learning_rate"] == 0.05
    assert all(trial.values["learning_rate"] <= 0.01 for trial in searched.trials[1:])


def test_whole_fields_stay_whole_and_values_stay_in_their_ranges(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    for trial in run_search(section(trials=8), training, 7, Inline(distance), place).trials:
        assert isinstance(trial.values["batch_size"], int)
        assert trial.values["batch_size"] % 8 == 0
        assert 0 <= trial.values["dropout"] <= 0.4
        assert trial.values["decay"] in ("linear", "cosine")


def test_all_trials_train_with_the_same_seed(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    seeds = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        seeds.append(seed)
        return distance(given, seed, report)

    run_search(section(trials=3), training, 7, Inline(objective), place)
    assert seeds == [7, 7, 7]


def test_hopeless_trial_is_stopped_early_and_the_best_is_not_pruned(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    epochs: dict[int, int] = {}

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        number = len(epochs)
        score = 0.1 if number == 3 else 0.8
        for epoch in range(1, given.epochs + 1):
            epochs[number] = epoch
            report(epoch, score)
        return score

    params = section(trials=4, epochs=5, pruner={"startup_trials": 2, "warmup_epochs": 2})
    searched = run_search(params, training, 7, Inline(objective), place)
    assert [trial.state for trial in searched.trials] == ["complete"] * 3 + ["pruned"]
    assert epochs == {0: 5, 1: 5, 2: 5, 3: 2}
    assert searched.trials[3].scores == {1: 0.1, 2: 0.1}


def test_trial_is_not_pruned_after_its_last_epoch(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    scores = iter([0.9, 0.8, 0.1])

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        score = next(scores)
        report(given.epochs, score)
        return score

    params = section(trials=3, pruner={"startup_trials": 1, "warmup_epochs": 0})
    searched = run_search(params, training, 7, Inline(objective), place)
    assert [trial.state for trial in searched.trials] == ["complete"] * 3


@pytest.mark.parametrize("how", ["raises", "returns", "reports"])
def test_diverged_trial_counts_and_is_never_the_best(
    section: Section, training: TrainingParams, place: StudyPlace, how: str
) -> None:
    calls: list[float] = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        calls.append(given.learning_rate)
        if len(calls) != 2:
            return distance(given, seed, report)
        if how == "raises":
            raise DivergenceError("loss must be finite, found nan by step 3")
        if how == "reports":
            report(1, float("nan"))
        return float("nan")

    searched = run_search(section(trials=4), training, 7, Inline(objective), place)
    assert len(calls) == len(searched.trials) == 4
    assert searched.trials[1].state == "failed"
    assert "finite, found nan" in str(searched.trials[1].reason)
    assert searched.best.trial != 1


def test_search_without_one_good_trial_has_no_best(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    def objective(*_: object) -> float:
        return float("inf")

    searched = run_search(section(trials=2), training, 7, Inline(objective), place)
    with pytest.raises(DivergenceError, match="one of 2 trials must end well"):
        _ = searched.best


def test_value_that_training_refuses_is_reported_before_any_trial(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    space = {"dropout": {"low": 0.0, "high": 1.5, "log": False, "step": None}}
    with pytest.raises(ParamsError, match=r"search\.space\.dropout"):
        run_search(section(space=space), training, 7, Inline(distance), place)
    assert not place.folder.exists()


def test_range_of_a_whole_field_must_be_whole(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    space = {"batch_size": {"low": 8.5, "high": 32, "log": False, "step": None}}
    with pytest.raises(ParamsError, match=r"batch_size: low, high and step must be whole"):
        run_search(section(space=space), training, 7, Inline(distance), place)
