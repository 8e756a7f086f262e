"""In: a budget in trials, minutes or epochs. Out: a search that spends it, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.params import SearchParams, TrainingParams
from components.search import Inline, Report, SearchWatch, StudyPlace, run_search
from tests.components.search.objectives import distance, values

Section = Callable[..., SearchParams]


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


def test_no_trial_starts_after_the_minutes_but_the_first_always_does(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    searched = run_search(section(trials=5, minutes=1e-9), training, 7, Inline(distance), place)
    assert [trial.number for trial in searched.trials] == [0]


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
