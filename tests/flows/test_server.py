"""In: a stand-in for Prefect's server. Out: one per project, found, booted, stopped."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.errors import ServiceError
from components.files import write_json
from flows import processes, server

STAND_IN = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"true")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def stand_in(_: Path, port: int) -> list[str]:
    return [sys.executable, "-c", STAND_IN, str(port)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(server, "_command", stand_in)
    # 4200 may be in use on the machine that runs the tests
    monkeypatch.setattr(server, "PORT", server.any_free_port())
    state = tmp_path / ".state"
    yield state
    server.stop_server(state)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((server.HOST, 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_is_booted_once_and_found_afterwards(state: Path) -> None:
    assert server.find_server(state) is None
    url = server.ensure_server(state)
    assert url == f"http://127.0.0.1:{server.PORT}/api"
    assert server.find_server(state) == url
    before = server.recorded(state)
    assert server.ensure_server(state) == url
    assert server.recorded(state) == before


def test_many_that_ask_at_once_get_one_server(state: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        booted = list(pool.map(lambda _: server.boot_server(state), range(6)))
    assert len(set(booted)) == 1


def test_two_projects_that_boot_at_once_get_a_server_each(state: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    try:
        booted = [server.boot_server(state), server.boot_server(other)]
        assert booted[0].url != booted[1].url
        assert server.wait_for(other, booted[1]) == booted[1].url
    finally:
        server.stop_server(other)


def test_a_server_that_was_too_late_for_its_port_is_not_taken_for_the_one_that_has_it(
    state: Path, tmp_path: Path
) -> None:
    first = server.ensure_server(state)
    server.home(tmp_path).mkdir(parents=True)
    late = server._start(tmp_path, int(first.split(":")[2].split("/")[0]))
    with pytest.raises(ServiceError, match="ended while starting"):
        server.wait_for(tmp_path, late)


def test_stopping_ends_the_process_and_forgets_it(state: Path) -> None:
    server.ensure_server(state)
    running = server.recorded(state)
    assert running is not None
    assert server.stop_server(state)
    assert not running.alive
    assert not server.stop_server(state)


def test_nothing_is_made_by_stopping_what_never_was(tmp_path: Path) -> None:
    assert not server.stop_server(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"url": 1}', '{"url": "x", "pid": 1, "started": "0"}']
)
def test_a_dirty_record_counts_as_no_server(state: Path, text: str) -> None:
    (state / "prefect").mkdir(parents=True)
    (state / "prefect" / "server.json").write_text(text)
    assert server.recorded(state) is None
    assert server.healthy(server.ensure_server(state))


def test_a_killed_server_is_replaced(state: Path) -> None:
    server.ensure_server(state)
    first = server.recorded(state)
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    server.ensure_server(state)
    second = server.recorded(state)
    assert second is not None
    assert second.pid != first.pid


def test_a_taken_default_port_is_replaced_by_a_free_one(
    state: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PORT", taken)
    assert server.ensure_server(state) != f"http://127.0.0.1:{taken}/api"


def test_a_taken_port_that_was_asked_for_is_an_error_and_leaves_nothing(
    state: Path, taken: int
) -> None:
    with pytest.raises(ServiceError, match=f"port {taken} is in use by another program"):
        server.boot_server(state, taken)
    assert server.recorded(state) is None


def test_a_server_that_dies_while_starting_is_told_with_its_last_words(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
    monkeypatch.setattr(server, "_command", lambda *_: broken)
    with pytest.raises(ServiceError, match=r"ended while starting: the disk is full"):
        server.ensure_server(state)


def test_a_server_that_never_answers_is_given_up(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(server, "_command", lambda *_: mute)
    with pytest.raises(ServiceError, match="did not answer in 0 s"):
        server.ensure_server(state, patience=0.3)


def test_a_named_server_is_used_and_none_is_booted(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.ensure_server(state)
    other = state.parent / "other"
    monkeypatch.setenv("PREFECT_API_URL", url)
    assert server.ensure_server(other) == url
    assert not other.exists()


def test_a_named_server_that_is_away_is_told_by_name(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{server.any_free_port()}/api"
    monkeypatch.setenv("PREFECT_API_URL", url)
    with pytest.raises(ServiceError, match=f"Prefect at {url} does not answer"):
        server.ensure_server(state, patience=0.2)
    assert not state.exists()


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1/api", "file:///tmp"])
def test_what_is_no_server_is_not_healthy(url: str) -> None:
    assert not server.healthy(url)


def test_a_server_ends_itself_once_its_record_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "server.json"
    write_json(record, {"pid": os.getpid()})
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    watcher = threading.Thread(target=server._watch, args=(record, 0.01))
    watcher.start()
    time.sleep(0.1)
    assert not sent
    record.unlink()
    watcher.join(timeout=5)
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_the_server_is_started_from_the_project_by_name(tmp_path: Path) -> None:
    command = server._command(tmp_path, 4321)
    assert command == [sys.executable, "-m", "flows.server", str(tmp_path / "prefect"), "4321"]
    assert processes.birth(os.getpid())
