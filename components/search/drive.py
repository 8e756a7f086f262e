"""In: work, and an engine. Out: all of the work done, as much at once as is asked for."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final, Protocol

from components.errors import Interrupted
from components.search.engines.base import Engine
from components.search.jobs import Curves, Ending, How, Job, Key

LOOK_SECONDS: Final = 0.5


class Work(Protocol):
    """What is to be done."""

    def next(self) -> Job | None:
        """Return what may start now, or None."""

    def most(self) -> int:
        """Return how many may run at once."""

    def stepped(self, key: Key, step: object) -> None:
        """A job shows where it stands."""

    def reported(self, key: Key, epoch: int, score: float, curves: Curves) -> bool:
        """An epoch has ended; return whether the job is to go on."""

    def ended(self, key: Key, ending: Ending) -> None:
        """A job is over; what is to be done again comes from `next`."""


class Stop:
    """Whether somebody asked this process to end."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def hear(self, number: int, _: FrameType | None) -> None:
        """Note a signal; a second one ends at once."""
        if self.signal:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number).name

    def check(self) -> None:
        """Raise Interrupted when a signal came."""
        if self.signal:
            raise Interrupted(
                f"search: ended by {self.signal}; what has trained is kept",
                "run the same command: it goes on from here",
            )


@contextlib.contextmanager
def listening() -> Iterator[Stop]:
    """Hear SIGTERM and SIGINT; only the main thread can, and in another nobody is heard."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {each: signal.signal(each, stop.hear) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drive(engine: Engine, work: Work, stop: Stop) -> None:
    """Do all work.

    Whatever ends it early, running jobs are asked to save first, and what they tell is written.

    Raises:
        Interrupted: a signal came.
        BaseException: what broke a job, or what the work raised.
    """
    desk = _Desk(work)
    try:
        while True:
            stop.check()
            while len(desk.running) < work.most() and (job := work.next()) is not None:
                engine.start(job, work.most())
                desk.running.add(job.key)
            if not desk.running:
                return
            engine.wait(desk, LOOK_SECONDS)
            if desk.broken is not None:
                raise desk.broken
    except BaseException:
        desk.stopping = True
        # The first error is the one to be told.
        with contextlib.suppress(Exception):
            engine.stop(desk)
        raise


class _Desk:
    """Stands between the engine and the work, and knows what runs."""

    def __init__(self, work: Work) -> None:
        self.running: set[Key] = set()
        self.stopping = False
        self.broken: BaseException | None = None
        self._work = work

    def stepped(self, key: Key, step: object) -> None:
        """Hand on."""
        self._work.stepped(key, step)

    def reported(self, key: Key, epoch: int, score: float, curves: Curves) -> bool:
        """Hand on."""
        return self._work.reported(key, epoch, score, curves)

    def ended(self, key: Key, ending: Ending) -> None:
        """Hand on; who dies while all are asked to end has not died of itself."""
        self.running.discard(key)
        if ending.how == "broken":
            self.broken = self.broken or ending.error or RuntimeError(ending.reason)
            ending = _as(ending, "interrupted")
        elif ending.how == "died" and self.stopping:
            ending = _as(ending, "interrupted")
        elif ending.how == "interrupted" and not self.stopping:
            ending = _as(ending, "died")
        self._work.ended(key, ending)


def _as(ending: Ending, how: How) -> Ending:
    reason = ending.reason or "it was asked to end"
    return dataclasses.replace(ending, how=how, reason=reason)
