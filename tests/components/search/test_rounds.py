from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from components.errors import DivergenceError
from components.params import SearchParams, TrainingParams
from components.search import Inline, Objective, Report, StudyPlace, rounds, run_search
from components.search.retrainings import FILE
from tests.components.search.objectives import FINALISTS, OWN_SEED, noisy, recorder

Section = Callable[..., SearchParams]


def test_all_finalists_train_with_the_same_further_seeds_round_by_round(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    found = run_search(
        section(trials=4, finalists=FINALISTS), training, 7, Inline(objective), place
    )
    assert len(calls) == 4 + 2 * 2
    further = calls[4:]
    seeds = [seed for _, seed in further]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert OWN_SEED not in seeds
    assert {given.epochs for given, _ in calls} == {3}
    assert [further[0][0], further[1][0]] == [further[2][0], further[3][0]]
    assert [len(finalist.scores) for finalist in found.finalists] == [3, 3]


def test_the_mean_decides_which_trial_wins(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    """Trial 1 scores best in the search, by luck of that one seed alone."""
    rates: list[float] = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        if given.learning_rate not in rates:
            rates.append(given.learning_rate)
        if seed == OWN_SEED:
            return (0.80, 0.90, 0.10)[rates.index(given.learning_rate)]
        return (0.82, 0.60, 0.99)[rates.index(given.learning_rate)]

    asked = FINALISTS | {"seeds": 1}
    found = run_search(section(trials=3, finalists=asked), training, 7, Inline(objective), place)
    assert [finalist.trial for finalist in found.finalists] == [1, 0]
    assert (found.best.trial, found.best.scores) == (0, (0.80, 0.82))
    assert found.best_trial.score == 0.80


def test_without_further_seeds_the_best_single_score_wins(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    asked = FINALISTS | {"seeds": 0}
    found = run_search(section(trials=4, finalists=asked), training, 7, Inline(objective), place)
    assert len(calls) == 4
    assert found.best.mean == max(trial.score or 0 for trial in found.trials)
    assert found.best.spread is None
    assert not (place.folder / place.name / FILE).exists()


def test_a_single_finalist_is_trained_again_too(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    found = run_search(
        section(trials=1, finalists=FINALISTS), training, 7, Inline(objective), place
    )
    assert len(calls) == 3
    assert found.best.spread is not None


def test_a_retraining_is_never_pruned_and_a_pruned_trial_is_no_finalist(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls: list[int] = []

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        calls.append(0)
        score = 0.8 if len(calls) <= 2 else 0.1
        for epoch in range(1, given.epochs + 1):
            report(epoch, score)
            calls[-1] = epoch
        return score

    pruner = {"startup_trials": 1, "warmup_epochs": 0}
    params = section(trials=3, pruner=pruner, finalists=FINALISTS | {"trials": 3})
    found = run_search(params, training, 7, Inline(objective), place)
    assert [trial.state for trial in found.trials] == ["complete", "complete", "pruned"]
    assert {finalist.trial for finalist in found.finalists} == {0, 1}
    assert calls[3:] == [3] * 4


@pytest.mark.parametrize("how", ["raises", "returns", "reports"])
def test_finalist_that_diverges_with_another_seed_is_out_and_named(
    section: Section, training: TrainingParams, place: StudyPlace, how: str
) -> None:
    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        score = noisy(given, seed, report)
        if seed == OWN_SEED or given.learning_rate != training.learning_rate:
            return score / 2 if given.learning_rate != training.learning_rate else 0.9
        if how == "raises":
            raise DivergenceError("loss must be finite, found nan by step 3")
        if how == "reports":
            report(1, float("nan"))
        return float("inf") if how == "returns" else score

    calls, recorded = recorder(objective)
    found = run_search(section(trials=3, finalists=FINALISTS), training, 7, Inline(recorded), place)
    assert found.finalists[0].trial == 0
    assert "must be finite, found" in str(found.finalists[0].reason)
    assert found.best.trial != 0
    assert len(found.best.scores) == 3
    assert len(calls) == 3 + 1 + 2, "what is out trains no more"


def test_search_whose_finalists_all_diverge_has_no_best(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        return noisy(given, seed, report) if seed == OWN_SEED else float("nan")

    found = run_search(
        section(trials=3, finalists=FINALISTS), training, 7, Inline(objective), place
    )
    with pytest.raises(DivergenceError, match="one of 2 finalists must train well") as caught:
        _ = found.best
    assert all(f"trial {finalist.trial}" in str(caught.value) for finalist in found.finalists)


class Clock:
    """Time that passes only while something trains: a minute each."""

    def __init__(self, objective: Objective) -> None:
        self.now, self._objective = 0.0, objective

    def __call__(self, training: TrainingParams, seed: int, report: Report) -> float:
        self.now += 60
        return self._objective(training, seed, report)


@pytest.mark.parametrize("case", [(0.5, 1, 1), (2, 2, 2), (2.5, 3, 2)])
def test_when_the_minutes_are_over_the_whole_rounds_decide(
    section: Section,
    training: TrainingParams,
    place: StudyPlace,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[float, int, int],
) -> None:
    minutes, trained, scores = case
    calls, objective = recorder(noisy)
    clock = Clock(objective)
    monkeypatch.setattr(rounds, "time", SimpleNamespace(monotonic=lambda: clock.now))
    params = section(trials=3, finalists=FINALISTS | {"minutes": minutes})
    found = run_search(params, training, 7, Inline(clock), place)
    assert len(calls) == 3 + trained
    assert [len(finalist.scores) for finalist in found.finalists] == [scores, scores]
