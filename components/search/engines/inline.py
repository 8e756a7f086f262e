"""In: jobs. Out: each trained in this process, one after another."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import deque
from types import TracebackType
from typing import Self

import psutil

from components.search.engines.base import Room, attempt
from components.search.engines.desk import Desk
from components.search.jobs import Job, Listener
from components.search.objective import Objective


class Inline:
    """Trains in `wait`, whatever that takes; the objective may be any callable.

    What the objective raises beyond its endings is raised by `wait`, and the job is forgotten.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._jobs: deque[Job] = deque()

    def start(self, job: Job, workers: int) -> None:
        """Take a job; it is trained by the next `wait`."""
        self._jobs.append(job)

    def wait(self, listener: Listener, seconds: float) -> None:
        """Train the job that was taken first."""
        if not self._jobs:
            return
        job = self._jobs.popleft()
        key, started = job.key, time.monotonic()
        desk = Desk(
            job,
            None,
            lambda epoch, score, curves: listener.reported(key, epoch, score, curves),
            lambda step: listener.stepped(key, step),
        )
        ending = attempt(self._objective, job, desk)
        spent = time.monotonic() - started
        listener.ended(key, dataclasses.replace(desk.told(ending), seconds=spent))

    def stop(self, listener: Listener) -> None:
        """Forget what was not begun: nothing runs outside `wait`."""
        self._jobs.clear()

    def room(self) -> Room:
        """Return one core: the next job begins when this one is over."""
        return Room(cores=1, memory=psutil.virtual_memory().available)

    def __enter__(self) -> Self:
        """Get ready."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was not begun."""
        self._jobs.clear()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
