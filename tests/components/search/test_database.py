"""In: a real PostgreSQL. Out: a study there is as one in a folder, whatever goes away meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import Away, TouchstoneError
from components.params import SearchParams, TrainingParams
from components.search import Inline, Local, Report, StudyPlace, run_search
from components.search.study import open_study
from tests.components.search.objectives import FINALISTS, noisy, recorder
from tests.components.search.portable import Noted
from tests.reliability.servers import Database, later

Section = Callable[..., SearchParams]


@pytest.fixture(scope="module")
def address(postgres_url: Callable[[str, str], str]) -> str:
    return postgres_url("studies", "psycopg")


@pytest.fixture
def database(address: str) -> Database:
    """The server that runs the database."""
    return Database(address)


@pytest.fixture
def there(place: StudyPlace, address: str, request: pytest.FixtureRequest) -> StudyPlace:
    """A study in the database, under the test's own name."""
    return dataclasses.replace(place, name=request.node.name, database=address, patience=60.0)


def test_study_in_the_database_finds_what_one_in_a_folder_finds(
    section: Section, training: TrainingParams, place: StudyPlace, there: StudyPlace
) -> None:
    params = section(trials=5, finalists=FINALISTS)
    calls, objective = recorder(noisy)
    found = run_search(params, training, 7, Inline(noisy), place)
    first = run_search(section(trials=3), training, 7, Inline(objective), there)
    # Another machine goes on: nothing of the study lies in the folder.
    away = dataclasses.replace(there, folder=place.folder / "elsewhere")
    again = run_search(params, training, 7, Inline(objective), away)
    assert first.trials == again.trials[:3]
    assert [(t.values, t.scores, t.score, t.state) for t in again.trials] == [
        (t.values, t.scores, t.score, t.state) for t in found.trials
    ]
    assert again.finalists == found.finalists
    third = dataclasses.replace(there, folder=place.folder / "third")
    assert run_search(params, training, 7, Inline(objective), third).finalists == found.finalists
    assert len(calls) == 5 + 4, "nothing was trained twice"


def test_one_search_at_a_time_between_machines_that_share_only_the_database(
    there: StudyPlace, tmp_path: Path
) -> None:
    other = dataclasses.replace(there, folder=tmp_path / "other")
    with (
        open_study(there),
        pytest.raises(TouchstoneError, match="one search at a time"),
        open_study(other),
    ):
        pytest.fail("both hold it")
    with open_study(other) as book:
        assert book.trials() == []


def test_holder_whose_connection_was_cut_writes_nothing_after_another_took_over(
    there: StudyPlace, database: Database, tmp_path: Path
) -> None:
    other = dataclasses.replace(there, folder=tmp_path / "other")
    with open_study(there) as stale:
        stale.ask(0, {}, {}, {})
        database.stop()
        database.start()
        with open_study(other) as book:
            book.report(0, 1, 0.25)
            trial_id = book.trials()[0]._trial_id
            for write in (
                lambda: stale.report(0, 2, 0.5),
                lambda: stale.end(0, "complete", 0.5),
                # Past the check, as a write that was already under way: the fence stands.
                lambda: stale.storage.set_trial_intermediate_value(trial_id, 3, 0.5),
            ):
                with pytest.raises(TouchstoneError, match="taken the study over"):
                    write()
        with open_study(other) as book:
            (trial,) = book.trials()
            assert (trial.state.name, trial.intermediate_values) == ("RUNNING", {1: 0.25})


def test_restart_in_the_middle_of_a_search_loses_and_doubles_nothing(
    section: Section,
    training: TrainingParams,
    place: StudyPlace,
    there: StudyPlace,
    database: Database,
) -> None:
    stops: list[Any] = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        calls.append(1)
        if len(calls) in (2, 4, 6):
            database.stop()
            stops.append(later(0.5, database.start))
        return noisy(given, seed, report)

    calls: list[int] = []
    params = section(trials=5, finalists=FINALISTS)
    found = run_search(params, training, 7, Inline(objective), there)
    for stop in stops:
        stop.join()
    assert len(stops) == 3
    whole = run_search(params, training, 7, Inline(noisy), place)
    assert [(t.values, t.scores, t.attempts) for t in found.trials] == [
        (t.values, t.scores, t.attempts) for t in whole.trials
    ]
    assert found.finalists == whole.finalists
    assert len(calls) == 5 + 4


def test_database_that_stays_away_ends_the_search_which_goes_on_later(
    section: Section,
    training: TrainingParams,
    there: StudyPlace,
    database: Database,
    tmp_path: Path,
) -> None:
    impatient = dataclasses.replace(there, patience=0.2)
    calls: list[int] = []

    def objective(given: TrainingParams, seed: int, report: Report) -> float:
        calls.append(1)
        if len(calls) == 2:
            database.stop()
        return noisy(given, seed, report)

    params = section(trials=3)
    try:
        with pytest.raises(Away, match=r"the studies' database at .* does not answer"):
            run_search(params, training, 7, Inline(objective), impatient)
    finally:
        database.start()
    found = run_search(params, training, 7, Local(Noted(tmp_path), ()), there)
    assert [trial.attempts for trial in found.trials] == [1, 2, 1]


def test_what_is_no_postgresql_is_refused(place: StudyPlace) -> None:
    wrong = dataclasses.replace(place, database="sqlite:///studies.db")
    with pytest.raises(TouchstoneError, match=r"TOUCHSTONE_STUDIES.*postgresql"), open_study(wrong):
        pytest.fail("opened")
