from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DivergenceError, ParamsError
from components.params import SearchParams, TrainingParams
from components.search import Inline, Report, SearchWatch, StudyPlace, Trial, run_search

Section = Callable[..., SearchParams]


def distance(training: TrainingParams, _: int, report: Report) -> float:
    """Score best at a rate of 1e-3, as an objective that learns a little more each epoch."""
    import math

    best = 1.0 - abs(math.log10(training.learning_rate) + 3) / 3 - training.dropout / 10
    for epoch in range(1, training.epochs + 1):
        report(epoch, best * epoch / training.epochs)
    return best


def values(trials: tuple[Trial, ...]) -> list[dict[str, Any]]:
    return [dict(trial.values) for trial in trials]


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


def test_other_errors_end_the_search_and_the_trial_is_run_again(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    whole = run_search(
        section(trials=4), training, 7, Inline(distance), StudyPlace(place.folder, "unbroken")
    )
    calls = []

    def fragile(given: TrainingParams, seed: int, report: Report) -> float:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return distance(given, seed, report)

    with pytest.raises(KeyboardInterrupt):
        run_search(section(trials=4), training, 7, Inline(fragile), place)
    searched = run_search(section(trials=4), training, 7, Inline(fragile), place)
    assert calls[2] == calls[3]
    assert len(calls) == 5
    assert values(searched.trials) == values(whole.trials)
    assert [trial.attempts for trial in searched.trials] == [1, 1, 2, 1]


def test_more_trials_go_on_with_the_same_study_and_fewer_take_its_first(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    told: list[int] = []
    watch = SearchWatch(on_end=lambda trial: told.append(trial.number))
    first = run_search(section(trials=3), training, 7, Inline(distance), place)
    more = run_search(section(trials=5), training, 7, Inline(distance), place, watch)
    fewer = run_search(section(trials=2), training, 7, Inline(distance), place)
    assert values(more.trials[:3]) == values(first.trials)
    assert len(more.trials) == 5
    assert told == [0, 1, 2, 3, 4]
    assert fewer.trials == more.trials[:2]


def test_resumed_search_does_not_repeat_its_draws(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    for trials in (2, 4, 6):
        searched = run_search(section(trials=trials), training, 7, Inline(distance), place)
    rates = {trial.values["learning_rate"] for trial in searched.trials}
    assert len(rates) == 6


def test_no_trial_starts_after_the_minutes_but_the_first_always_does(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    searched = run_search(section(trials=5, minutes=1e-9), training, 7, Inline(distance), place)
    assert [trial.number for trial in searched.trials] == [0]


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


KILLED = """
import json, os, signal, sys
from pathlib import Path
from components.params import SearchParams, TrainingParams
from components.search import Inline, StudyPlace, run_search
search, training, folder = json.loads(sys.argv[1])
calls = []
def objective(given, seed, report):
    calls.append(given)
    report(1, 0.5)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5 + given.dropout
run_search(
    SearchParams.model_validate_json(json.dumps(search)),
    TrainingParams.model_validate_json(json.dumps(training)),
    7, Inline(objective), StudyPlace(Path(folder), "toy"),
)
"""


def test_search_killed_again_and_again_reaches_exactly_the_asked_number(
    section: Section, training: TrainingParams, place: StudyPlace, root: Path
) -> None:
    params = section(trials=4)
    arguments = [params.model_dump(mode="json"), training.model_dump(mode="json")]
    command = [sys.executable, "-c", KILLED, json.dumps([*arguments, str(place.folder)])]
    for _ in range(2):
        killed = subprocess.run(command, cwd=root, env=os.environ, check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        report(1, 0.5)
        return 0.5 + given.dropout

    searched = run_search(params, training, 7, Inline(objective), place)
    undisturbed = run_search(
        params, training, 7, Inline(objective), StudyPlace(place.folder, "whole")
    )
    assert [trial.attempts for trial in searched.trials] == [1, 2, 2, 1]
    assert values(searched.trials) == values(undisturbed.trials)
    assert searched.best_trial.values == undisturbed.best_trial.values


def test_budget_counts_epochs_that_were_spent_and_pruned_trials_spend_less(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    scores = iter([0.9, 0.8, 0.1, 0.1, 0.1, 0.1])

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        score = next(scores)
        for epoch in range(1, given.epochs + 1):
            report(epoch, score)
        return score

    pruner = {"kind": "median", "startup_trials": 2, "warmup_epochs": 1}
    params = section(trials=9, epochs=3, pruner=pruner, budget_epochs=9)
    found = run_search(params, training, 7, Inline(objective), place)
    assert [trial.epochs for trial in found.trials] == [3, 3, 1, 1, 1]
    assert found.epochs == 9


def test_more_epochs_go_on_with_the_same_study_and_fewer_take_its_first(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    never = {"kind": "none"}

    def search(budget: int | None, name: str) -> list[dict[str, Any]]:
        params = section(trials=5, epochs=3, pruner=never, budget_epochs=budget)
        again = StudyPlace(place.folder, name)
        return values(run_search(params, training, 7, Inline(distance), again).trials)

    assert [len(search(budget, "one")) for budget in (1, 7, None, 7, 1)] == [1, 3, 5, 3, 1]
    assert search(None, "one") == search(None, "other")
    assert search(7, "one") == search(7, "third")


def test_values_that_earlier_attempts_reported_are_kept_and_judged_once(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    """A trial whose checkpoint is gone tells its epochs again; the study holds each once."""
    calls: list[int] = []

    def fragile(given: TrainingParams, _: int, report: Report) -> float:
        calls.append(1)
        for epoch in range(1, given.epochs + 1):
            report(epoch, epoch / 10)
            if epoch == 2 and len(calls) == 1:
                raise KeyboardInterrupt
        return 0.5

    params = section(trials=1)
    with pytest.raises(KeyboardInterrupt):
        run_search(params, training, 7, Inline(fragile), place)
    (trial,) = run_search(params, training, 7, Inline(fragile), place).trials
    assert trial.scores == {1: 0.1, 2: 0.2, 3: 0.3}
    assert trial.attempts == 2
