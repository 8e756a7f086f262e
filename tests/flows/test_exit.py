"""In: a flow's process that ends in one way or another. Out: its exit code, and nothing lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
