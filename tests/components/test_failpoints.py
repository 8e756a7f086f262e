"""In: the list of failpoints, and the code. Out: that they agree, and that one kills."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.failpoints import NAMES, failpoint

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
