from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from components.params import SearchParams, TrainingParams
from components.search import Inline, StudyPlace, run_search
from components.search.priors import RECORD
from tests.components.search.objectives import noisy, recorder

Section = Callable[..., SearchParams]
RATE = {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True, "step": None}}
OTHER = {"dropout": {"low": 0.0, "high": 0.4, "log": False, "step": 0.1}}


@pytest.fixture
def earlier(section: Section, training: TrainingParams, place: StudyPlace) -> StudyPlace:
    """A study of eight trials that has ended."""
    first = dataclasses.replace(place, name="first", family="tickets")
    run_search(section(trials=8), training, 7, Inline(noisy), first)
    return first


def searched(
    section: Section, training: TrainingParams, place: StudyPlace, **values: Any
) -> list[tuple[dict[str, Any], str | None]]:
    found = run_search(section(trials=4, **values), training, 7, Inline(noisy), place)
    return [(dict(trial.values), trial.origin) for trial in found.trials]


def test_best_values_of_the_last_study_come_after_trial_0(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    best = run_search(section(trials=8), training, 7, Inline(noisy), earlier)
    later = dataclasses.replace(earlier, name="later")
    trials = searched(section, training, later, warm_start=2)
    assert trials[0][0] == {name: getattr(training, name) for name in trials[0][0]}
    ranked = sorted(best.finalists, key=lambda f: -f.mean)
    wanted = [f.trial for f in ranked if f.trial != 0]
    assert trials[1] == (
        dict(best.trials[wanted[0]].values),
        f"first/{wanted[0]}",
    )
    assert [origin is None for _, origin in trials] == [True, False, False, True]


def test_another_tasks_studies_are_not_looked_at(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    for family in ("reviews", ""):
        other = dataclasses.replace(earlier, name=f"other{family}", family=family)
        trials = searched(section, training, other, warm_start=3)
        assert [origin for _, origin in trials] == [None] * 4


def test_nothing_is_taken_when_nothing_is_asked_for(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    later = dataclasses.replace(earlier, name="later")
    cold = dataclasses.replace(earlier, name="cold", family="cold")
    warm = searched(section, training, later, warm_start=0)
    assert warm == searched(section, training, cold, warm_start=0)


def test_fields_that_were_not_searched_then_are_as_in_the_training_section(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    later = dataclasses.replace(earlier, name="later")
    trials = searched(section, training, later, warm_start=2, space=RATE | OTHER)
    assert trials[1][1] is not None
    assert set(trials[1][0]) == {"learning_rate", "dropout"}
    narrow = {"learning_rate": {"low": 0.9e-2, "high": 1e-2, "log": True, "step": None}}
    far = dataclasses.replace(earlier, name="far")
    assert searched(section, training, far, warm_start=2, space=narrow)[1][1] is None


def test_search_that_goes_on_takes_what_it_took_at_first(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    later = dataclasses.replace(earlier, name="later")
    calls, objective = recorder(noisy)
    run_search(section(trials=2, warm_start=2), training, 7, Inline(objective), later)
    between = dataclasses.replace(earlier, name="between")
    run_search(section(trials=5), training, 9, Inline(noisy), between)
    found = run_search(section(trials=3, warm_start=2), training, 7, Inline(objective), later)
    assert [str(t.origin).split("/")[0] for t in found.trials] == ["None", "first", "first"]
    assert len(calls) == 3


def test_record_that_says_the_same_keeps_its_time(
    section: Section, training: TrainingParams, earlier: StudyPlace
) -> None:
    before = (earlier.own / RECORD).read_bytes()
    run_search(section(trials=8), training, 7, Inline(noisy), earlier)
    assert (earlier.own / RECORD).read_bytes() == before
