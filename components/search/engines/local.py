"""In: jobs. Out: each trained in a process of its own, forked from one that has imported all."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from types import TracebackType
from typing import Any, Final, Self, cast

import psutil

from components.search.engines.base import Room
from components.search.engines.child import work
from components.search.engines.inline import cores
from components.search.jobs import Ending, Job, Key, Listener
from components.search.objective import Objective, Seat

# How long a process that was asked to end may take to save.
GRACE_SECONDS: Final = 60.0
ENDING_SECONDS: Final = 10.0


@dataclass(frozen=True)
class _Child:
    """A process that trains a job."""

    job: Job
    worker: int
    process: ForkServerProcess
    pipe: Connection
    started: float


class Local:
    """Trains in processes of this machine.

    A fork server imports torch and transformers once, beside what this process does meanwhile;
    each training is forked from it, and its memory is given back when it ends. A child whose
    parent dies is killed by the kernel.

    Args:
        objective: picklable.
        preload: modules that the fork server imports; none of them may start a thread.
    """

    def __init__(self, objective: Objective, preload: Sequence[str]) -> None:
        self._objective = objective
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload([*preload, work.__module__])
        self._children: dict[Key, _Child] = {}

    def __enter__(self) -> Self:
        """Start the fork server; its imports go on beside this process."""
        with _deaf():
            forkserver.ensure_running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs, the fork server last: it would stay until this process ends."""
        for child in self._children.values():
            child.process.kill()
            child.process.join(ENDING_SECONDS)
            child.pipe.close()
        self._children.clear()
        _stop_server()

    def start(self, job: Job, workers: int) -> None:
        """Fork a process for the job."""
        taken = {child.worker for child in self._children.values()}
        worker = next(number for number in range(len(taken) + 1) if number not in taken)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work,
            args=(theirs, self._objective, job, Seat(worker, max(workers, worker + 1))),
            name=f"trial {job.number}",
            daemon=True,
        )
        started = time.monotonic()
        process.start()
        # Else the pipe would not end when the child does.
        theirs.close()
        self._children[job.key] = _Child(job, worker, process, ours, started)

    def wait(self, listener: Listener, seconds: float) -> None:
        """Hand on one message of each child that has one."""
        by_pipe = {child.pipe: child for child in self._children.values()}
        for pipe in wait(list(by_pipe), seconds):
            self._read(by_pipe[cast("Connection", pipe)], listener)

    def stop(self, listener: Listener) -> None:
        """Send SIGTERM to all children, and hand on what they tell until they have ended."""
        for child in self._children.values():
            _signal(child.process, signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        while self._children and time.monotonic() < end:
            self.wait(listener, 0.1)

    def room(self) -> Room:
        """Return this machine's cores and what is free of its memory."""
        return Room(cores=cores(), memory=psutil.virtual_memory().available)

    def _read(self, child: _Child, listener: Listener) -> None:
        try:
            message: Any = child.pipe.recv()
        except (EOFError, OSError):
            self._over(child, listener, Ending("died", reason=_death(child.process)))
            return
        key = child.job.key
        if message[0] == "step":
            listener.stepped(key, message[1])
        elif message[0] == "epoch":
            self._answer(child, listener.reported(key, *message[1:]))
        else:
            self._over(child, listener, message[1])

    def _answer(self, child: _Child, go_on: bool) -> None:
        """Answer; a child that died meanwhile is found dead by the next look."""
        try:
            child.pipe.send(go_on)
        except OSError:
            return

    def _over(self, child: _Child, listener: Listener, ending: Ending) -> None:
        """Wait until the process and its memory are gone, and tell how the job ended."""
        child.process.join(ENDING_SECONDS)
        if child.process.exitcode is None:
            child.process.kill()
        child.pipe.close()
        del self._children[child.job.key]
        seconds = time.monotonic() - child.started
        listener.ended(
            child.job.key,
            dataclasses.replace(ending, seconds=seconds, worker=str(child.worker)),
        )


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore SIGINT meanwhile, and so what is started: it hands that on to what it starts.

    A Ctrl-C on a terminal reaches the fork server too, amid its imports, where it would print a
    traceback. Only the main thread can say so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop_server() -> None:
    """Kill the fork server, which may still be importing; the next engine starts another."""
    server: Any = forkserver._forkserver
    if server._forkserver_pid is not None:
        os.kill(server._forkserver_pid, signal.SIGKILL)
        server._stop()


def _signal(process: ForkServerProcess, number: signal.Signals) -> None:
    try:
        os.kill(cast(int, process.pid), number)
    except ProcessLookupError:
        return


def _death(process: ForkServerProcess) -> str:
    """Return in words how a process ended that told nothing."""
    process.join(ENDING_SECONDS)
    code = process.exitcode
    if code is None:
        return "it closed its pipe"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
