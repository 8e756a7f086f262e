"""In: eight processes that promote at once, and die. Out: one champion, and it is the best one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROMOTERS = 8
# Of those that are told to die, some are held before they come to the line at which they would.
TOLD_TO_DIE = 0.15
KILLED = 0.05


def play(
    root: Path, folder: Path, rounds: int, promoters: int = PROMOTERS, books: str = ""
) -> dict[str, Any]:
    """Play some rounds in processes of their own; return what happened."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": books}
    numbers = (promoters, rounds, TOLD_TO_DIE, 7)
    command = [sys.executable, "-m", "tests.reliability.promoter", folder, *map(str, numbers)]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def holds(found: dict[str, Any]) -> None:
    """Check the promise, and that it was put to the test."""
    assert found["failed"] == 0
    assert found["not the best"] == 0
    assert found["replays to another"] == 0
    assert found["by hand"] == 0
    assert found["problems"] == []
    # Every round has a winner, and its winner may have taken over from others of the same round.
    assert found["promotions"] > found["rounds"]


@pytest.mark.slow
def test_champion_is_the_best_of_all_whoever_dies_in_between(root: Path, tmp_path: Path) -> None:
    found = play(root, tmp_path, rounds=50)
    holds(found)
    assert found["killed"] >= KILLED * found["brought"]
    assert found["abandoned"] > 0, "some died between the intent and the move"


def test_champion_is_the_best_of_all_on_postgres(
    root: Path, tmp_path: Path, postgres_url: Callable[[str, str], str]
) -> None:
    holds(play(root, tmp_path, 6, 4, postgres_url("promoters", "psycopg")))


@pytest.mark.chaos
@pytest.mark.parametrize("books", ["sqlite", "postgresql"])
def test_champion_is_the_best_of_all_in_a_thousand_rounds(
    root: Path, tmp_path: Path, request: pytest.FixtureRequest, books: str
) -> None:
    url = ""
    if books == "postgresql":
        url = request.getfixturevalue("postgres_url")("thousand", "psycopg")
    found = play(root, tmp_path, 1000, books=url)
    sys.stdout.write(json.dumps(found))
    holds(found)
    assert found["killed"] >= KILLED * found["brought"]
