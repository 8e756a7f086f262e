"""In: a save that is killed after each of its files. Out: the checkpoint is there, or it is not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from components.params import TrainingParams
from tests.components.training.saves import FILES, RENAMES

SECOND, THIRD = (f"epoch-00001-step-00000000{number}" for number in (2, 3))


def test_checkpoint_is_complete_or_absent_wherever_its_save_was_killed(
    root: Path,
    tmp_path: Path,
    tiny_encoder: Path,
    tokens: Path,
    section: Callable[..., TrainingParams],
) -> None:
    command = [sys.executable, "-m", "tests.components.training.saves", tmp_path, tiny_encoder]
    done = subprocess.run(
        [str(part) for part in (*command, tokens, section().model_dump_json())],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # Before the first epoch has ended there are no best weights to be saved.
    absent = {"best"}
    assert [row["place"] for row in found] == [*FILES, *RENAMES]
    for row in found:
        dies = row["place"] not in absent
        assert row["codes"] == [-signal.SIGKILL if dies else 0, 0], row
        assert row["same"], row
        assert row["left"] == [], row
        if dies:
            newest = THIRD if row["place"] == "renamed" else SECOND
            assert row["found"][-1] == newest, row
            assert row["notes"] == [f"goes on after step {newest[-1]} of epoch 1"], row
