"""In: functions by the part of the work that they do. Out: seconds that each part took, net."""

from __future__ import annotations

import contextlib
import functools
import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock


@dataclass
class Spent:
    """Seconds: on the wall, and of the processor's own, whatever else the machine does."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass
class Clock:
    """Counts each moment to one part: the innermost one that is at work.

    Attributes:
        parts: what each took.
    """

    parts: defaultdict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    _running: list[str] = field(default_factory=list)
    _since: tuple[float, float] = (0.0, 0.0)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done in the block to a part, but for the parts within it."""
        self._stop()
        self._running.append(name)
        try:
            yield
        finally:
            self._stop()
            self._running.pop()

    @contextlib.contextmanager
    def watching(self, functions: Mapping[str, str]) -> Iterator[None]:
        """Count every call of functions, each named "module:attribute", to its part."""
        with contextlib.ExitStack() as stack:
            for place, name in functions.items():
                module, _, path = place.partition(":")
                owner: Any = importlib.import_module(module)
                *outer, attribute = path.split(".")
                for each in outer:
                    owner = getattr(owner, each)
                timed = self._timed(getattr(owner, attribute), name)
                stack.enter_context(mock.patch.object(owner, attribute, timed))
            yield

    def _timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it is given
            with self.part(name):
                return function(*arguments, **named)

        return call

    def _stop(self) -> None:
        """Count what has passed since this was last called to the part at work."""
        now = (time.perf_counter(), time.process_time())
        if self._running:
            spent = self.parts[self._running[-1]]
            spent.wall += now[0] - self._since[0]
            spent.cpu += now[1] - self._since[1]
        self._since = now
