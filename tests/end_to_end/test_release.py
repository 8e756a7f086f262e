"""In: a small clone. Out: one release, interrupted on its way, and what it may not do twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.files import read_json, verify_manifest
from components.registry import open_registry
from tests.candidates import add_version, make_model

pytestmark = pytest.mark.slow
PATIENCE = 600.0
BOOKS = ".state/mlflow/mlflow.db"


def environment() -> dict[str, str]:
    """Nothing of the machine's own Prefect or MLflow, and this Python first."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT", "MLFLOW"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def run(folder: Path, *words: str, rc: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == rc, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def count(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / BOOKS) as books:
        return books.execute(query).fetchall()


def registry_of(folder: Path) -> list[list[tuple[object, ...]]]:
    return [
        count(folder, "SELECT name, version FROM model_versions"),
        count(folder, "SELECT name, alias, version FROM registered_model_aliases"),
        count(folder, "SELECT run_uuid, status FROM runs ORDER BY run_uuid"),
    ]


def interrupted_in_search(folder: Path) -> None:
    """Start a release, and press Ctrl-C once the study has begun."""
    with subprocess.Popen(
        [sys.executable, "-m", "flows", "release"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE
        while not list(folder.glob(".state/studies/*/journal.log")):
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            pause.wait(0.2)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from here" in told
    assert "Traceback" not in told


@pytest.fixture
def stopped(tiny_project: Path) -> Iterator[Path]:
    yield tiny_project
    from flows.server import stop_server

    stop_server(tiny_project / ".state")


@pytest.mark.usefixtures("interruptible")
def test_a_release_goes_on_after_ctrl_c_and_happens_once(stopped: Path) -> None:
    interrupted_in_search(stopped)
    assert not (stopped / "search").exists()
    assert not (stopped / "models" / "trained").exists()

    told = run(stopped, "flows", "release")
    assert "champion" in told
    receipt = read_json(stopped / "registry/receipt.json")
    versions, aliases, runs = registry_of(stopped)
    assert versions == [("tickets", 1)]
    assert ("tickets", "champion", 1) in aliases
    assert {status for _, status in runs} <= {"FINISHED", "KILLED", "FAILED"}

    assert "Data and pipelines are up to date." in run(stopped, "dvc", "repro")
    assert "Data and pipelines are up to date." in run(stopped, "dvc", "status")
    assert "nothing new" in run(stopped, "flows", "release")
    assert registry_of(stopped) == [versions, aliases, runs]

    decided_again_against_another_champion(stopped, receipt["digest"])
    the_same_again_from_nothing(stopped, receipt["digest"])


def decided_again_against_another_champion(folder: Path, digest: str) -> None:
    """Move the alias by hand: what was decided against nobody is decided again against that one."""
    before = read_json(folder / "registry/verdict.json")
    assert before["verdict"] == "promote"
    assert before["champion"] is None
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        registry = open_registry(folder / ".state", 0)
    other = add_version(registry, "tickets", make_model(folder.parent / "other", "by-hand"))
    registry.client.set_registered_model_alias("tickets", "champion", str(other.version))

    assert "Hold version 1" in run(folder, "flows", "release")
    verdict = read_json(folder / "registry/verdict.json")
    assert verdict["candidate"]["digest"] == before["candidate"]["digest"] == digest
    assert verdict["champion"]["version"] == other.version
    assert verdict["evidence"]["champion"] == other.digest
    assert ("tickets", "champion", other.version) in registry_of(folder)[1]
    registry.client.set_registered_model_alias("tickets", "champion", "1")


def the_same_again_from_nothing(folder: Path, digest: str) -> None:
    """Delete what was trained: the same bytes come out."""
    shutil.rmtree(folder / "models")
    for stage in ("train", "export"):
        run(folder, "dvc", "repro", "--no-run-cache", "--force", "--single-item", stage)
    assert verify_manifest(folder / "models/int8") == digest
