"""In: `python -m flows train`, ended by a signal. Out: exit code 75; the same command goes on."""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.files import verify_manifest, write_json
from components.training.checkpoint import NAME
from flows.__main__ import main
from tests.flows.projects import command, new_project, working_in

SOON = 600.0


@pytest.fixture(scope="module")
def project(
    prefect_server: str, small: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A project with tokens and a search's winner, whose training takes its time."""
    tree = copy.deepcopy(dict(small))
    tree["training"] |= {"epochs": 80, "patience": 80, "checkpoint_minutes": 0.01}
    folder = new_project(tmp_path_factory.mktemp("interrupted") / "project", tree)
    with working_in(folder):
        for verb in ("ingest", "validate", "augment", "tokenize"):
            assert main(command(verb)) == 0, verb
        # JSON is YAML.
        write_json(Path("search/best.yaml"), {"values": {"batch_size": 32}})
        yield folder


def start(root: Path, verb: str) -> subprocess.Popen[str]:
    """Start a verb as a person does."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *command(verb)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def saved() -> list[Path]:
    """Return the checkpoints, oldest first."""
    found = [p for p in Path(".state/checkpoints").glob("*/*") if NAME.fullmatch(p.name)]
    return sorted(found, key=lambda path: path.name)


def interrupted_at(root: Path, number: signal.Signals, later_than: str = "") -> tuple[int, str]:
    """Train until there is a checkpoint later than this one, and send a signal."""
    with start(root, "train") as process:
        deadline = time.monotonic() + SOON
        while not any(path.name > later_than for path in saved()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, told = process.communicate(timeout=SOON)
    return process.returncode, told


@pytest.mark.usefixtures("interruptible")
def test_training_ended_by_signals_and_a_kill_comes_to_the_same_bytes(
    root: Path, project: Path
) -> None:
    newest = ""
    for number in (signal.SIGTERM, signal.SIGINT):
        code, told = interrupted_at(root, number, newest)
        assert code == 75, told
        assert "Traceback" not in told
        assert re.search(rf"train: training: {number.name} came, and it stopped after step", told)
        assert "cure: run the same command again: it goes on from there" in told
        assert not Path("models/trained").exists()
        before, newest = newest, saved()[-1].name
        assert newest > before
    code, told = interrupted_at(root, signal.SIGKILL, newest)
    assert code == -signal.SIGKILL
    assert re.search(r"goes on after (step|epoch)", told)
    resumed = trained(root)
    assert saved() == [], "they have led to what is on the disk"
    assert trained(root) == resumed


def trained(root: Path) -> str:
    """Train to the end, alone; return the digest."""
    with start(root, "train") as process:
        _, told = process.communicate(timeout=SOON)
    assert process.returncode == 0, told
    return verify_manifest(Path("models/trained"))


PROGRAM = """
import os, signal, time
from flows import __main__ as command, stage

def run(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

stage.run = run
command.run_and_leave(["gate"])
"""


def test_any_other_verb_ends_by_sigterm_with_one_line(root: Path, project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 75
    assert done.stderr == "\ngate: ended; the same command goes on from here\n"
