"""In: a job and a pipe. Out: the job trained in this process, which lives for it alone."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import pickle
import resource
import signal
import sys
import traceback
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from components.errors import Interrupted, TouchstoneError
from components.search.engines.base import attempt
from components.search.engines.desk import Desk
from components.search.jobs import Curves, Ending, Job
from components.search.objective import Objective, Seat

PR_SET_PDEATHSIG: Final = 1
STATM: Final = Path("/proc/self/statm")


def work(pipe: Connection, objective: Objective, job: Job, seat: Seat) -> None:
    """Train, and tell how it ended.

    Up the pipe go `("step", step)`, `("epoch", epoch, score, curves)`, answered by whether to go
    on, and `("end", ending)` last of all.
    """
    die_with_parent()
    begun = resident()

    def ask(epoch: int, score: float, curves: Curves) -> bool:
        try:
            pipe.send(("epoch", epoch, score, curves))
            return bool(pipe.recv())
        except (EOFError, OSError) as error:
            raise Interrupted(f"trial {job.number}: nobody asks for it any more") from error

    def show(step: object) -> None:
        try:
            pipe.send(("step", step))
        except OSError as error:
            raise Interrupted(f"trial {job.number}: nobody asks for it any more") from error

    desk = Desk(job, seat, ask, show)
    try:
        ending = attempt(objective, job, desk)
    except (Interrupted, KeyboardInterrupt):
        ending = Ending("interrupted")
    except BaseException as error:
        ending = Ending("broken", reason=traceback.format_exc(), error=_portable(error))
    memory = max(0, peak() - begun) if begun else None
    told = dataclasses.replace(desk.told(ending), memory=memory)
    with contextlib.suppress(OSError):
        pipe.send(("end", told))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that forked it ends, however that ends.

    A Ctrl-C on the terminal goes to the parent alone, which then tells its children in order.
    """
    os.setpgid(0, 0)
    server: Any = forkserver._forkserver
    if server._forkserver_alive_fd is not None:
        # The fork server lives as long as anybody holds this; else it would outlive its parent.
        os.close(server._forkserver_alive_fd)
        server._forkserver_alive_fd = None
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def resident() -> int:
    """Return the bytes of memory that this process shows now; 0 where that cannot be told."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def peak() -> int:
    """Return the most bytes of memory that this process ever showed."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _portable(error: BaseException) -> BaseException:
    """Return the error, or one that says the same where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return TouchstoneError(f"{type(error).__name__}: {error}")
    return error
