"""In: stand-ins for MLflow and the worker. Out: up is all or nothing, down is exact."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import ServiceError, TouchstoneError
from flows import server
from infra import services, stack

HEALTH = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"true")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
FAIL = (sys.executable, "-c", "raise SystemExit('no disk left')")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for variable in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("TOUCHSTONE_PREFECT_PORT", "TOUCHSTONE_MLFLOW_PORT"):
        monkeypatch.setenv(variable, str(server.any_free_port()))
    monkeypatch.setattr(
        server, "_command", lambda _, port: [sys.executable, "-c", HEALTH, str(port)]
    )
    real_mlflow, real_worker = services.mlflow_service, services.worker_service

    def mlflow(folder: Path, port: int) -> services.Service:
        command = (sys.executable, "-c", HEALTH, str(port))
        return replace(real_mlflow(folder, port), command=command, prepare=lambda: None)

    def worker(folder: Path, api: str) -> services.Service:
        return replace(real_worker(folder, api), command=SLEEP, healthy=lambda _: True)

    monkeypatch.setattr(stack, "mlflow_service", mlflow)
    monkeypatch.setattr(stack, "worker_service", worker)
    monkeypatch.setattr(stack, "deploy", lambda *_: None)
    folder = tmp_path / ".state"
    yield folder
    stack.down(folder)


def running(state: Path) -> list[str]:
    named = (stack.worker_service(state, ""), stack.mlflow_service(state, 1))
    found = [service.name for service in named if service.recorded()]
    return found + (["Prefect"] if server.recorded(state) else [])


def test_up_starts_all_three_and_down_stops_all_three(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.up(state)
    assert running(state) == ["worker", "MLflow", "Prefect"]
    stack.status(state)
    assert capsys.readouterr().out.count("http://127.0.0.1:") == 4
    stack.down(state)
    assert running(state) == []
    stack.down(state)
    said = capsys.readouterr().out
    assert said == "stopped: worker, MLflow, Prefect\nnothing was running\n"
    stack.status(state)
    assert capsys.readouterr().out.count("is not running") == 3


def test_up_twice_starts_nothing_twice(state: Path) -> None:
    stack.up(state)
    before = stack.mlflow_service(state, 1).recorded(), server.recorded(state)
    stack.up(state)
    assert (stack.mlflow_service(state, 1).recorded(), server.recorded(state)) == before


def test_a_server_that_a_stage_booted_is_taken_over(state: Path) -> None:
    server.ensure_server(state, server.any_free_port())
    before = server.recorded(state)
    stack.up(state)
    assert server.recorded(state) == before


@pytest.mark.parametrize("variable", ["TOUCHSTONE_PREFECT_PORT", "TOUCHSTONE_MLFLOW_PORT"])
def test_a_port_in_use_is_told_and_nothing_is_left(
    state: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((server.HOST, 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv(variable, str(port))
        with pytest.raises(ServiceError, match=f"port {port} is in use(.|\n)*{variable}="):
            stack.up(state)
    assert running(state) == []


def test_what_fails_to_start_is_told_and_nothing_is_left(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stack.worker_service

    def bad(folder: Path, api: str) -> services.Service:
        return replace(good(folder, api), command=FAIL, healthy=lambda _: False)

    monkeypatch.setattr(stack, "worker_service", bad)
    with pytest.raises(ServiceError, match=r"worker ended while starting"):
        stack.up(state)
    assert running(state) == []


def test_what_never_answers_is_given_up_and_nothing_is_left(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stack.worker_service

    def mute(folder: Path, api: str) -> services.Service:
        return replace(good(folder, api), healthy=lambda _: False)

    monkeypatch.setattr(stack, "worker_service", mute)
    monkeypatch.setattr(stack, "PATIENCE", 2.0)
    with pytest.raises(ServiceError, match="worker did not answer in 2 s"):
        stack.up(state)
    assert running(state) == []


@pytest.mark.parametrize("port", ["", "0", "65536", "http"])
def test_a_port_is_a_number_or_the_default(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PREFECT_PORT", port)
    if not port:
        assert stack._port("TOUCHSTONE_PREFECT_PORT", 4200) == 4200
        return
    with pytest.raises(TouchstoneError, match="TOUCHSTONE_PREFECT_PORT: must be a port number"):
        stack._port("TOUCHSTONE_PREFECT_PORT", 4200)


def test_an_mlflow_elsewhere_is_used_and_none_is_started(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    stack.up(state)
    assert running(state) == ["worker", "Prefect"]
    assert "MLflow   https://mlflow.example" in capsys.readouterr().out


def test_no_password_of_a_database_stands_on_a_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://me:canary@db/mlflow")
    service = services.mlflow_service(tmp_path, 5000)
    assert not any("canary" in part for part in service.command)
    assert "canary" in service.environment["MLFLOW_BACKEND_STORE_URI"]


def test_a_mistake_is_one_paragraph_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHSTONE_MLFLOW_PORT", "x")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert stack.main(["up"]) == 1
    assert "cure: unset TOUCHSTONE_MLFLOW_PORT" in capsys.readouterr().err
    assert stack.main([]) == 2
