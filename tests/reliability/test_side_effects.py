"""In: each step that changes the world, killed, then repeated. Out: it counts once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.failpoints import NAMES

# The search's own are killed where searches run.
REGISTRY_S = {name for name in NAMES if not name.startswith("search.")}
# What stands in the registry and the ledger when the step was done once, after its preparation.
ONCE = {
    "start_study": {"runs": 1, "points": 0},
    "log_trial": {"runs": 2, "running": 1, "points": 3},
    "log_training": {"runs": 2, "running": 0, "points": 6},
    "attach": {"runs": 1, "models": 1, "versions": 1, "champion": None},
    "register": {"runs": 1, "models": 1, "versions": 1, "decision": 0, "done": 0, "champion": None},
    "record_decision": {"versions": 2, "decision": 1, "done": 0, "champion": None},
    "promote": {"versions": 2, "decision": 2, "done": 2, "champion": 2},
    "rollback": {"versions": 2, "decision": 2, "done": 3, "champion": 1},
}


@pytest.fixture(scope="module")
def found(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What every step left, for each of its failpoints; last, what the ledger's check says."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": ""}
    command = [
        sys.executable,
        "-m",
        "tests.reliability.effects",
        tmp_path_factory.mktemp("effects"),
    ]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_every_failpoint_killed_once_and_every_repeat_succeeded(
    found: list[dict[str, Any]],
) -> None:
    *steps, _ = found
    assert {step["failpoint"] for step in steps} == REGISTRY_S
    assert {tuple(step["codes"]) for step in steps} == {(-signal.SIGKILL, 0, 0, 0)}


@pytest.mark.parametrize("step", sorted(ONCE))
def test_step_that_was_killed_and_repeated_three_times_counts_once(
    found: list[dict[str, Any]], step: str
) -> None:
    ended = [row for row in found if row.get("step") == step]
    assert ended
    for row in ended:
        assert {name: row[name] for name in ONCE[step]} == ONCE[step], row["failpoint"]
        assert row["intent"] == row["done"] + row["abandoned"]


def test_ledger_is_whole_after_all_of_it(found: list[dict[str, Any]]) -> None:
    assert found[-1] == {"problems": []}
