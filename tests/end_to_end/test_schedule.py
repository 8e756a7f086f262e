"""In: a small project and a schedule of seconds. Out: its worker runs the release by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.server import any_free_port, port_is_free

pytestmark = pytest.mark.slow
PATIENCE = 480.0
PORTS = ("TOUCHSTONE_PREFECT_PORT", "TOUCHSTONE_MLFLOW_PORT")


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], what: str) -> Any:
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} within {PATIENCE:.0f} s")
        pause.wait(1.0)
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    """Own ports, and nothing of the machine's Prefect, MLflow or measuring of coverage."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "MLFLOW", "COV", "TOUCHSTONE"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    first, second = any_free_port(), any_free_port()
    return {**inherited, "PATH": path, PORTS[0]: str(first), PORTS[1]: str(second)}


@pytest.fixture
def stack(tiny_project: Path, environment: dict[str, str]) -> Iterator[Callable[[str], str]]:
    def run(command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "infra.stack", command],
            cwd=tiny_project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    run("down")


def test_a_scheduled_release_is_run_by_the_worker_and_promotes(
    tiny_project: Path, environment: dict[str, str], stack: Callable[[str], str]
) -> None:
    file = tiny_project / "prefect.yaml"
    often, changed = re.subn(
        r'cron: "0 3 \* \* \*"\n +timezone: UTC', "interval: 10", file.read_text()
    )
    assert changed == 1
    file.write_text(often)
    said = stack("up")
    prefect, mlflow = (f"http://127.0.0.1:{environment[name]}" for name in PORTS)
    assert prefect in said
    assert mlflow in said

    def finished() -> list[dict[str, Any]]:
        runs = ask(f"{prefect}/api/flow_runs/filter", {"flows": {"name": {"any_": ["release"]}}})
        ended = [run for run in runs if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}]
        return [{**run, "said": run["state"].get("message")} for run in ended]

    (first, *_) = sorted(
        until(finished, "no release ended"), key=lambda run: str(run["start_time"])
    )
    assert first["state_type"] == "COMPLETED", first["said"]
    assert first["auto_scheduled"]
    alias = ask(f"{mlflow}/api/2.0/mlflow/registered-models/alias?name=tickets&alias=champion")
    verdict = json.loads((tiny_project / "registry" / "verdict.json").read_text())
    assert verdict["verdict"] == "promote"
    assert int(alias["model_version"]["version"]) == verdict["candidate"]["version"]
    assert stack("down") == "stopped: worker, MLflow, Prefect\n"
    assert all(port_is_free(int(environment[name])) for name in PORTS)
    assert stack("down") == "nothing was running\n"
