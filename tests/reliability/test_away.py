"""In: MLflow, PostgreSQL and Prefect that go away in the middle. Out: nothing lost, nothing twice.

The short form: real servers, and lines to them that break at each request in turn.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.errors import Away
from components.registry import (
    Submission,
    Trial,
    log_trial,
    open_ledger,
    open_registry,
    start_study,
)
from tests.candidates import make_model
from tests.components.registry.conftest import Factory
from tests.components.toy_bundles import make_bundle
from tests.components.toy_reports import make_data, make_reports
from tests.reliability.effects import STEPS, Bench, Work
from tests.reliability.link import FAULTS, Fault, Link, link_to
from tests.reliability.servers import Database, Service, later, mlflow

PATIENCE = 60.0
MAKES = ("/create", "/logged-models", "/alias", "/log-batch")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running MLflow."""
    with mlflow(tmp_path_factory.mktemp("mlflow")) as service:
        yield service


@pytest.fixture(scope="module")
def line(books: Service) -> Iterator[Link]:
    """A line to it that can break."""
    with link_to(books.url) as link:
        yield link


@pytest.fixture
def mended(line: Link) -> Link:
    """The same line, whole at the start of a test."""
    line.mends()
    return line


@pytest.fixture(scope="module")
def bench(books: Service, line: Link, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """What steps need, prepared and counted in MLflow's own database, done over the line."""
    folder = tmp_path_factory.mktemp("away")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{books.log.parent / 'mlflow.db'}")
        direct = open_registry(folder / ".state", 0)
        patch.setenv("MLFLOW_TRACKING_URI", line.url)
        by = open_registry(folder / ".state", PATIENCE)
        submit = Factory(
            folder / "submissions", make_data(folder / "data"), make_bundle, make_reports
        )
        models = (make_model(folder / "m1", "away-1"), make_model(folder / "m2", "away-2"))
        yield Bench(direct, folder, models, submit, by)


def kept(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same; an intent that was given up and made again is as good."""
    assert counts["intent"] == counts["done"] + counts["abandoned"]
    return {name: count for name, count in counts.items() if name not in {"intent", "abandoned"}}


def makes(request: str) -> bool:
    """Tell whether a request would make a second one of something if it was only made again."""
    return request.endswith(MAKES) and not request.startswith("GET")


def fresh(bench: Bench, step: str, name: str) -> Work:
    """Return a step that is ready to be done, with no bundle fetched before."""
    work = bench.prepare(step, name)
    shutil.rmtree(bench.registry.state / "bundles", ignore_errors=True)
    return work


def whole(bench: Bench, link: Link, step: str, name: str) -> tuple[dict[str, Any], list[str]]:
    """Return what a step leaves behind when nothing is away, and what it asks."""
    work = fresh(bench, step, name)
    link.asked.clear()
    work()
    return kept(bench.counts(name)), list(link.asked)


def broken(bench: Bench, link: Link, step: str, name: str, at: tuple[int, Fault]) -> dict[str, Any]:
    """Return what a step leaves behind whose line broke at one request."""
    work = fresh(bench, step, name)
    link.breaks_once(*at)
    work()
    assert len(link.asked) > at[0] + 1, "it was asked again"
    link.mends()
    return kept(bench.counts(name))


@pytest.mark.slow
@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_that_never_heard_that_something_was_made_counts_once(
    bench: Bench, mended: Link, step: str
) -> None:
    expected, asked = whole(bench, mended, step, f"{step}-heard".replace("_", "-"))
    places = [place for place, what in enumerate(asked) if makes(what)] or [0]
    for place in places:
        name = f"{step}-unheard-{place}".replace("_", "-")
        assert broken(bench, mended, step, name, (place, "after")) == expected, asked[place]


@pytest.mark.chaos
@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_whose_line_broke_at_any_of_its_requests_counts_once(
    bench: Bench, mended: Link, step: str, how: Fault
) -> None:
    expected, asked = whole(bench, mended, step, f"{step}-{how}-whole".replace("_", "-"))
    for place, what in enumerate(asked):
        name = f"{step}-{how}-{place}".replace("_", "-")
        assert broken(bench, mended, step, name, (place, how)) == expected, what


@pytest.mark.parametrize("how", ["before", "proxy"])
def test_points_that_were_logged_while_mlflow_was_away_are_there_once_it_is_back(
    bench: Bench, mended: Link, how: Fault
) -> None:
    name = f"points-{how}"
    study = start_study(bench.registry, name, "s", {})
    assert bench.by is not None
    mended.breaks(how)
    back = later(1.5, mended.mends)
    for number in range(3):
        curve = {epoch: epoch / 10 for epoch in range(1, 8)}
        log_trial(bench.by, study, Trial(number, {"dropout": 0.1}, curve, "complete"))
    back.join()
    counts = bench.counts(name)
    assert (counts["runs"], counts["points"]) == (4, 21)


def test_mlflow_that_stays_away_ends_the_step_and_the_same_call_goes_on_later(
    bench: Bench, mended: Link
) -> None:
    name = "stays-away"
    study = start_study(bench.registry, name, "s", {})
    assert bench.by is not None
    impatient = dataclasses.replace(bench.by, patience=0.5)
    trial = Trial(0, {"dropout": 0.1}, {1: 0.5}, "complete")
    mended.asked.clear()
    # In the middle: the run is made, and its points are not.
    mended.fault = lambda place: "before" if place >= 3 else None
    with pytest.raises(Away, match=r"waited 0\.5 seconds"):
        log_trial(impatient, study, trial)
    mended.mends()
    assert bench.counts(name)["points"] == 0
    log_trial(impatient, study, trial)
    counts = bench.counts(name)
    assert (counts["runs"], counts["points"], counts["running"]) == (2, 1, 1)


@pytest.mark.slow
def test_mlflow_that_was_killed_or_frozen_is_waited_for(books: Service, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", books.url)
        registry = open_registry(tmp_path / ".state", 240)
    study = start_study(registry, "killed", "s", {})
    books.kill()
    back = later(0.5, books.start)
    log_trial(registry, study, Trial(0, {}, {1: 0.5, 2: 0.6}, "complete"))
    back.join()
    # Silent for longer than a request may take, and then it does what it was asked before, too.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        for number in range(1, 4):
            books.freeze()
            back = later(2.5, books.thaw)
            log_trial(registry, study, Trial(number, {}, {1: 0.5, 2: 0.6}, "complete"))
            back.join()
    found = registry.client.get_experiment_by_name("killed")
    runs = registry.client.search_runs([found.experiment_id])
    assert len(runs) == 5
    points = [
        registry.client.get_metric_history(run.info.run_id, "score")
        for run in runs
        if run.info.run_id != study
    ]
    assert [len(one) for one in points] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    "step",
    [
        "promote",
        pytest.param("record_decision", marks=pytest.mark.chaos),
        pytest.param("rollback", marks=pytest.mark.chaos),
    ],
)
def test_a_ledger_whose_database_was_stopped_has_every_row_once(
    step: str, tmp_path: Path, postgres_url: Callable[[str, str], str]
) -> None:
    url = postgres_url(f"away_{step}", "psycopg")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("TOUCHSTONE_LEDGER", url)
        registry = open_registry(tmp_path / ".state", PATIENCE)
        models = (make_model(tmp_path / "m1", "pg-1"), make_model(tmp_path / "m2", "pg-2"))
        bench = Bench(registry, tmp_path, models, no_submission)
        expected = kept(whole_of(bench, step, "whole"))
        database = Database(url)
        work = bench.prepare(step, "stopped")
        database.stop()
        back = later(1.0, database.start)
        work()
        back.join()
        assert kept(bench.counts("stopped")) == expected
        assert open_ledger(registry).verify() == []


def whole_of(bench: Bench, step: str, name: str) -> dict[str, Any]:
    """Return what a step leaves behind when nothing is away."""
    bench.prepare(step, name)()
    return bench.counts(name)


def no_submission(lineage: str) -> Submission:
    """Refuse: nothing is registered here."""
    raise AssertionError(lineage)
