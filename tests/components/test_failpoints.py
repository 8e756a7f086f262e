"""In: the list of failpoints, and the code. Out: that they agree, and that one kills."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.failpoints import NAMES, PLACES, failpoint, writing

CALL = re.compile(r'failpoint\("([^"]*)"\)')


def test_every_name_is_called_in_one_place_and_every_call_is_listed(root: Path) -> None:
    sources = [*(root / "components").rglob("*.py"), *(root / "flows").rglob("*.py")]
    called = [name for path in sources for name in CALL.findall(path.read_text(encoding="utf-8"))]
    assert sorted(called) == sorted(NAMES)


def test_name_that_is_not_listed_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'nowhere' is no failpoint, expected one of .*move\.done"
    ):
        failpoint("nowhere")


@pytest.mark.parametrize(("asked", "code"), [("move.done", -signal.SIGKILL), ("move.alias", 0)])
def test_failpoint_kills_when_it_is_the_one_that_was_asked_for(
    root: Path, asked: str, code: int
) -> None:
    program = "from components.failpoints import failpoint; failpoint('move.done')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"FAILPOINT": asked}, cwd=root, check=False
    )
    assert done.returncode == code


def test_place_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'nowhere' is no place of a write"):
        writing(tmp_path, "nowhere")


WRITES = {
    "file": "write_text(Path('out'), 'new')",
    "folder": "with atomic_folder(Path('out')) as f: write_text(f / 'a', 'new')",
}


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("place", PLACES)
def test_writer_that_was_killed_leaves_the_old_or_the_new_and_the_next_one_writes(
    root: Path, tmp_path: Path, kind: str, place: str
) -> None:
    def write(content: str, failpoint: str) -> int:
        program = f"from components.files import *\n{WRITES[kind].replace('new', content)}"
        environment = {"FAILPOINT": failpoint, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode

    def content() -> str:
        path = tmp_path / "out"
        path = path / "a" if kind == "folder" else path
        return path.read_text() if path.exists() else "absent"

    assert write("old", "") == 0
    dies = (kind, place) != ("file", "removed")
    assert write("new", f"out@{place}") == (-signal.SIGKILL if dies else 0)
    assert content() == {"removed": "absent" if dies else "new", "renamed": "new"}.get(place, "old")
    assert write("new", "other@begun") == 0
    assert content() == "new"


def test_pattern_names_every_path_that_fits_it(root: Path, tmp_path: Path) -> None:
    program = "from components.files import *; write_text(Path('deep/a-17'), 'x')"
    environment = {"FAILPOINT": "deep/a-*@half", "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    (partial,) = (tmp_path / "deep").iterdir()
    assert (partial.suffix, partial.stat().st_size) == (".partial", 0)
