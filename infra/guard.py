"""In: a record file and a command. Out: the command, kept running while the record names us.

    python -m infra.guard RECORD COMMAND [ARGUMENT ...]

A service that crashes is started again. It ends with everything that it has started when this
process is told to, and when the record is gone: nobody could find it again to stop it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from flows import processes

LOOK_SECONDS: Final = 1.0
# The time that `make up` has to write the record after it has started this process.
RECORD_SECONDS: Final = 10.0
SOON_SECONDS: Final = 10.0
LONGEST_PAUSE: Final = 60.0
GRACE: Final = 8.0


def guard(record: Path, command: Sequence[str], stopped: threading.Event) -> int:
    """Run the command, again after each crash, until told to stop; return an exit code.

    A command that ends soon after its first start is not tried again: its settings are wrong.
    """
    began = time.monotonic()
    pause = 1.0
    while not stopped.is_set():
        started = time.monotonic()
        child = psutil.Popen(list(command), stdin=subprocess.DEVNULL)
        while child.poll() is None and not stopped.wait(LOOK_SECONDS):
            if time.monotonic() - began > RECORD_SECONDS and not processes.owns(record):
                stopped.set()
        if stopped.is_set():
            end(child)
            break
        lasted = time.monotonic() - started
        end(child)
        print(f"{command[0]} ended with code {child.poll()} after {lasted:.0f} s", flush=True)
        if started - began < SOON_SECONDS and lasted < SOON_SECONDS:
            return 1
        pause = 1.0 if lasted > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
        stopped.wait(pause)
    return 0


def end(child: psutil.Process) -> None:
    """End a process and all that it has started: SIGTERM to itself, SIGKILL to what is left."""
    try:
        family = [child, *child.children(recursive=True)]
        child.terminate()
    except psutil.NoSuchProcess:
        return
    _, left = psutil.wait_procs(family, timeout=GRACE)
    for process in left:
        with_its_own = [process, *_children(process)]
        for one in with_its_own:
            _kill(one)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def main(argv: Sequence[str]) -> int:
    """Guard one command until SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return guard(Path(argv[0]), argv[1:], stopped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
