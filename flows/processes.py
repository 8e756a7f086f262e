"""In: a process id and when it began. Out: whether it still runs; its end, never another's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from components.errors import IntegrityError
from components.files import read_json

GRACE: Final = 10.0
PAUSE: Final = 0.05
ROOT: Final = Path(__file__).resolve().parents[1]


def birth(pid: int) -> str | None:
    """Return a mark of when process `pid` began, or None when there is none or it has ended.

    An id is given again after its process ended; id and birth together are one process for ever.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    # the name in parentheses may hold spaces and parentheses itself; state is the first field
    # after it, the start in clock ticks since boot the twentieth
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _birth_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return None if not answer or answer[0].startswith("Z") else " ".join(answer[1:])


def runs(pid: int, born: str) -> bool:
    """Tell whether the very process that was recorded still runs."""
    return birth(pid) == born


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> tuple[int, str]:
    """Start a process that outlives this one, in the project's folder; return its id and birth.

    Its output replaces what `log` held.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    born = birth(child.pid) or ""
    # Nobody will wait for it, on purpose: without this Python warns of a forgotten child.
    child.returncode = 0
    return child.pid, born


def owns(record: Path) -> bool:
    """Tell whether a record of a running service names this very process."""
    try:
        return bool(read_json(record)["pid"] == os.getpid())
    except (IntegrityError, KeyError, TypeError):
        return False


def stop(pid: int, born: str, grace: float = GRACE) -> bool:
    """End the recorded process: SIGTERM, and SIGKILL after `grace` seconds; False if it was gone.

    A foreign process that has been given the same id since is left alone.
    """
    if not runs(pid, born):
        return False
    deadline = time.monotonic() + grace
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline and runs(pid, born):
            time.sleep(PAUSE)
        if runs(pid, born):
            os.kill(pid, signal.SIGKILL)
    while runs(pid, born):
        time.sleep(PAUSE)
    return True
