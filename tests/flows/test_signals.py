"""In: a signal that comes while Python cannot raise. Out: it is heard all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import AWAY, INTERRUPTED
from flows.signals import Terminated, number_of

# What is raised in a finalizer, such as a weak dictionary's, Python can only print and forget.
PROGRAM = """
import os, signal, threading
from flows import __main__ as command, stage

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        for _ in range(1000):
            pass

def run(*_):
    {handler}
    Finalized()
    threading.Event().wait(30)
    return "heard nothing"

stage.run = run
command.run_and_leave(["gate"])
"""
PREFECT = """
    from prefect.utilities.engine import capture_sigterm
    with capture_sigterm():
        Finalized()
        threading.Event().wait(30)
"""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("name", "how", "code"),
    [("SIGINT", "interrupted", INTERRUPTED), ("SIGTERM", "ended", AWAY)],
)
@pytest.mark.parametrize("handler", ["pass", PREFECT.strip()], ids=["ours", "Prefect's"])
def test_signal_that_falls_into_a_finalizer_is_not_lost(
    root: Path, tmp_path: Path, name: str, how: str, code: int, handler: str
) -> None:
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name, handler=handler)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"\ngate: {how}; the same command goes on from here\n"


# As compiled modules are registered with collections.abc: what goes wrong there is passed over.
DEAF = """
import os, signal, threading
try:
    os.kill(os.getpid(), signal.{name})
    threading.Event().wait(0.3)
except BaseException:
    pass
imported = True
"""
IMPORTER = """
import threading
from flows import __main__ as command, stage

def run(*_):
    import deaf
    assert deaf.imported
    threading.Event().wait(30)
    return "heard nothing"

stage.run = run
command.run_and_leave(["gate"])
"""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("name", "how", "code"),
    [("SIGINT", "interrupted", INTERRUPTED), ("SIGTERM", "ended", AWAY)],
)
def test_signal_that_falls_into_an_import_is_not_lost(
    root: Path, tmp_path: Path, name: str, how: str, code: int
) -> None:
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    (tmp_path / "deaf.py").write_text(DEAF.format(name=name), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == f"\ngate: {how}; the same command goes on from here\n"


def test_other_errors_in_finalizers_are_told_as_ever() -> None:
    assert number_of(KeyboardInterrupt) is signal.SIGINT
    assert number_of(Terminated) is signal.SIGTERM
    assert number_of(ValueError) is None
    assert number_of(SystemExit) is None
    assert number_of(None) is None
