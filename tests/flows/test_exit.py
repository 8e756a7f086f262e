"""In: a flow's process that ends in one way or another. Out: its exit code, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.release import stopped
from flows.stage import OUTCOME

ENDS = {
    "well": ("return 0", 0, "said\nhandled\n"),
    "with a code": ("return 74", 74, "said\nhandled\n"),
    "on a wrong option": ("sys.exit(2)", 2, "said\nhandled\n"),
    "on an unknown error": ("raise RuntimeError('no')", 1, "said\nhandled\n"),
}
PROGRAM = """
import atexit, sys
from flows import __main__ as command

def main(argv):
    print("said")
    atexit.register(print, "handled")
    {end}

command.main = main
command.run_and_leave([])
"""


@pytest.mark.parametrize("how", ENDS)
def test_leaving_quickly_keeps_exit_code_output_and_exit_handlers(how: str) -> None:
    end, code, output = ENDS[how]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (code, output)
    assert ("RuntimeError" in done.stderr) == ("unknown" in how)


def test_whoever_asks_for_it_gets_the_exit_code_in_a_file(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end="return 75")],
        check=False,
        capture_output=True,
        env={**os.environ, OUTCOME: str(tmp_path / "code")},
    )
    assert (tmp_path / "code").read_text() == "75"


@pytest.mark.parametrize(("code", "expected"), [("75", 75), ("1", 1), ("-9", 1), ("", 1)])
def test_a_release_whose_stage_may_go_on_may_go_on_too(code: str, expected: int) -> None:
    error = stopped("train", code)
    assert error.exit_code == expected
    assert "the line stopped at train" in error.what
