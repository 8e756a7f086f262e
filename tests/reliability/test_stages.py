"""In: every stage of dvc.yaml, killed wherever it can be. Out: the same command completes it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.stages import GRAPH, failpoints_of, outs_of

# Before anything is written, in the middle of it, and after the rename.
PLACES = "begun,half,renamed"
ALL_PLACES = "begun,half,written,renamed,removed"
RANDOM_KILLS = 200
# What tells of time, or of how often something was tried; all else is equal.
VARIES = re.compile(
    r"""
    reports/validation/.*\.html              # Data Docs: when they were made
    | search/(report|trials)\.(html|parquet:(attempts|seconds|started|memory|worker))
    | search/ablation\.json:seconds
    | .*:(p50_ms|p95_ms|throughput_per_second)
    | reports/gate\.(html|md)
    | registry/receipt\.json:run_id           # each registry draws its own
    | registry/verdict\.json:decided_at
    """,
    re.VERBOSE,
)
# What these make again is the very same file; the others measure time anew.
SETTLED = set(GRAPH) - {"validate", "export", "evaluate"}
Found = dict[str, dict[str, Any]]


def kill_all(root: Path, folder: Path, encoder: Path, how: str) -> Found:
    """Kill and repeat all stages; return what each came to."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.reliability.stages", folder, encoder, how]
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["stage"]: row for row in rows}


def holds(found: Found) -> None:
    """Check that each stage completed, made what an unkilled one makes, and then nothing new."""
    assert list(found) == list(GRAPH)
    for stage, row in found.items():
        assert row["ends"] == [0, 0], stage
        assert row["made"] > 0, stage
        assert [name for name in row["differs"] if not VARIES.fullmatch(name)] == [], stage
        assert [name for name in row["rewritten"] if not VARIES.fullmatch(name)] == [], stage
        assert not (stage in SETTLED and row["rewritten"]), stage


def died_at_each(found: Found, places: str) -> None:
    """Check that every stage has failpoints in all that it makes, and died at each of them."""
    for stage, row in found.items():
        assert row["deaths"] == failpoints_of(stage, places.split(","))
        alive = [
            d for d, c in zip(row["deaths"], row["codes"], strict=True) if c != -signal.SIGKILL
        ]
        assert alive == [], f"{stage} does not write this by files.atomic_folder or atomic_write"
        named = {death.rpartition("@")[0] for death in row["deaths"]}
        assert named >= set(outs_of(stage))


@pytest.fixture(scope="module")
def found(root: Path, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Found:
    return kill_all(root, tmp_path_factory.mktemp("stages"), tiny_encoder, PLACES)


def test_every_stage_dies_at_every_failpoint(found: Found) -> None:
    died_at_each(found, PLACES)
    sys.stdout.write(f"{sum(len(row['deaths']) for row in found.values())} kills\n")


def test_same_command_completes_what_was_killed_and_makes_the_same(found: Found) -> None:
    holds(found)


@pytest.mark.chaos
def test_every_place_of_every_write_may_be_the_last(
    root: Path, tmp_path: Path, tiny_encoder: Path
) -> None:
    found = kill_all(root, tmp_path, tiny_encoder, ALL_PLACES)
    died_at_each(found, ALL_PLACES)
    holds(found)
    sys.stdout.write(f"{sum(len(row['deaths']) for row in found.values())} kills\n")


@pytest.mark.chaos
def test_any_moment_may_be_the_last(root: Path, tmp_path: Path, tiny_encoder: Path) -> None:
    each = -(-RANDOM_KILLS // len(GRAPH)) + 10  # some end before they are killed
    found = kill_all(root, tmp_path, tiny_encoder, f"{each}:7")
    holds(found)
    killed = sum(row["codes"].count(-signal.SIGKILL) for row in found.values())
    assert {code for row in found.values() for code in row["codes"]} <= {0, -signal.SIGKILL}
    sys.stdout.write(f"{killed} random kills, 0 of {len(found)} stages that did not complete\n")
    assert killed >= RANDOM_KILLS
