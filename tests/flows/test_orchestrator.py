"""In: a flow, and a Prefect server that goes away. Out: the flow's result, and a clean end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.errors import Away, DataError
from flows import artifacts, orchestrator, server
from flows.delivery import delivered
from tests.reliability.link import Link, link_to
from tests.reliability.servers import later

WAIT = 20.0


@pytest.fixture
def line(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    """A line to Prefect's server that can break; all that runs in the test uses it."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setattr(orchestrator, "WAIT_SECONDS", WAIT)
    with link_to(prefect_server) as link, temporary_settings({PREFECT_API_URL: link.url}):
        monkeypatch.setenv("PREFECT_API_URL", link.url)
        yield link
        link.mends()
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all(timeout=10)


def run(function: Callable[[], object], name: str) -> object:
    """Run a function as a stage is run."""
    from prefect import flow

    return orchestrator.run(flow(name=name, validate_parameters=False)(function), {})


def states(name: str) -> list[str]:
    """Return how the runs of a flow stand at the server."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    rule = FlowFilter(name=FlowFilterName(any_=[name]))
    with get_client(sync_client=True) as client:
        return [str(run.state_name) for run in client.read_flow_runs(flow_filter=rule)]


@pytest.mark.parametrize("how", ["before", "after", "proxy"])
def test_a_server_that_is_away_at_the_end_of_the_work_is_waited_for(
    line: Link, how: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []

    def work() -> str:
        done.append(None)
        line.breaks(how)
        later(1.0, line.mends)
        return "figure"

    assert run(work, f"ends-{how}") == "figure"
    assert len(done) == 1
    assert states(f"ends-{how}") == ["Completed"]
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "is back after" in said
    assert "Traceback" not in said


def test_a_server_that_is_away_at_the_beginning_is_waited_for(line: Link) -> None:
    line.breaks("before")
    later(1.0, line.mends)
    assert run(lambda: "figure", "begins") == "figure"
    assert states("begins") == ["Completed"]


def test_what_is_done_is_not_lost_when_the_server_stays_away(
    line: Link, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(orchestrator, "WAIT_SECONDS", 0.5)

    def work() -> str:
        line.breaks("before")
        artifacts.publish("a", "b")
        artifacts.publish_link("c", "http://127.0.0.1/", "d")
        return "figure"

    assert run(work, "stays") == "figure"
    said = capsys.readouterr().err
    assert said.count("waiting up to 0.5 s") == 1, "given up once for all"
    assert "the work is done" in said
    line.mends()
    assert states("stays") == ["Running"]


def test_an_error_of_the_work_is_told_before_the_absence_of_the_server(
    line: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestrator, "WAIT_SECONDS", 0.5)

    def work() -> None:
        line.breaks("before")
        raise DataError("row 3 is no row", "mend it")

    with pytest.raises(DataError, match="row 3") as caught:
        run(work, "fails")
    assert caught.value.exit_code == 1


def test_work_that_has_not_begun_ends_resumable_when_the_server_stays_away(
    line: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestrator, "WAIT_SECONDS", 0.5)
    begun: list[None] = []
    line.breaks("proxy")
    with pytest.raises(Away, match=r"waited 0\.5 seconds") as caught:
        run(lambda: begun.append(None), "never")
    assert caught.value.exit_code == 75
    assert begun == []


def test_a_refusal_of_the_server_is_no_absence() -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(404))
    there = orchestrator.backend(Path(".state"), "http://127.0.0.1:1/api")
    line = orchestrator.Line(inner, there, WAIT)
    assert line.handle_request(httpx.Request("GET", "http://127.0.0.1:1/api/x")).status_code == 404
    assert line.given_up is None


def test_a_server_of_our_own_that_died_is_booted_again_at_the_same_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL")
    program = "import time; time.sleep(60)"
    monkeypatch.setattr(server, "_command", lambda *_: [sys.executable, "-c", program])
    first = server.boot_server(tmp_path, server.any_free_port())
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert not orchestrator.backend(tmp_path, first.url).answers(), "it still starts"
    second = server.recorded(tmp_path)
    try:
        assert second is not None
        assert second.url == first.url
        assert second.pid != first.pid
    finally:
        server.stop_server(tmp_path)


def test_a_server_that_somebody_stopped_on_purpose_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import time; time.sleep(60)"
    monkeypatch.setattr(server, "_command", lambda *_: [sys.executable, "-c", program])
    running = server.boot_server(tmp_path, server.any_free_port())
    there = orchestrator.backend(tmp_path, running.url)
    assert server.stop_server(tmp_path)
    assert not there.answers()
    assert server.recorded(tmp_path) is None


def test_delivery_at_the_end_does_not_wait_for_a_server_that_is_gone(line: Link) -> None:
    assert delivered()
    line.breaks("before")
    assert not delivered()
