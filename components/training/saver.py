"""In: a training between two steps. Out: its newest checkpoint on disk, and the way back to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from components.errors import Interrupted
from components.training.checkpoint import Checkpoints, keep_only, newest, write_checkpoint
from components.training.interrupt import Asked
from components.training.memory import out_of_memory, release
from components.training.meter import Meter
from components.training.parallel import first_process
from components.training.parts import Place
from components.training.state import Part, State

Where = tuple[int, int]
START: Final = (1, 0)


@dataclass
class Saver:
    """Saves when it is time, and never ends a training that could go on without.

    What is saved is copied between two steps; it is written beside the steps that follow, by a
    thread of which there is one at most.

    Attributes:
        checkpoints: where to, and how often.
        key: of the training.
        tell: told of what was resumed, and of a save that failed.
        saved: the place that is on the disk, or that needs no saving: the start.
    """

    checkpoints: Checkpoints
    key: str
    tell: Callable[[str], None]
    saved: Where | None = START
    _kept: list[Path] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)
    _writing: threading.Thread | None = None
    _failed: BaseException | None = None

    def resume(self, place: Place, parts: Mapping[str, Part]) -> bool:
        """Set every part to the newest checkpoint that verifies; return whether there is one."""
        found = newest(self.checkpoints.folder, self.key, parts.keys())
        passed = f"; passed over {'; '.join(found.passed)}" if found.passed else ""
        if found.folder is None:
            if passed:
                self.tell(f"starts anew{passed}")
            return False
        for name, part in parts.items():
            part.load(found.parts[name])
        self._kept, self.saved = [found.folder], (place.epoch, place.step)
        self.tell(f"goes on after {_where(self.saved)}{passed}")
        return True

    def pause(self, place: Place, parts: Mapping[str, Part], asked: Asked, meter: Meter) -> None:
        """Save when it is time, and stop when the process was asked to end.

        Raises:
            Interrupted: the process was asked to end, and what was done is on the disk.
        """
        if not (asked.by or time.monotonic() - self._since >= 60 * self.checkpoints.minutes):
            return
        where = (place.epoch, place.step)
        self.finish()
        if where != self.saved and first_process():
            self._begin(where, parts)
        if not asked.by:
            return
        self.finish()
        there = where == self.saved or not first_process()
        raise Interrupted(
            f"training: {asked.by} came, and it stopped after step {meter.number} of {meter.steps}"
            + ("" if there else ", which could not be saved"),
            "run the same command again: it goes on from "
            + ("there" if there else "what was saved before"),
        )

    def finish(self) -> None:
        """Wait until what is being written is on the disk, or could not be written."""
        if self._writing is None:
            return
        self._writing.join()
        self._writing, self._since = None, time.monotonic()
        failed, self._failed = self._failed, None
        if failed is not None:
            if not isinstance(failed, OSError | MemoryError):
                raise failed
            self._tell_failure(str(failed))

    def __enter__(self) -> Self:
        """Hold nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish."""
        self.finish()

    def _begin(self, where: Where, parts: Mapping[str, Part]) -> None:
        states = self._states(parts)
        if states:
            self._writing = threading.Thread(target=self._write, args=(where, states))
            self._writing.start()

    def _states(self, parts: Mapping[str, Part]) -> dict[str, State]:
        """Copy all parts; a second time, after what is cached was given back, when memory ends."""
        for _ in range(2):
            try:
                return {name: part.state() for name, part in parts.items()}
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                reason = str(error)
            release()
        self._since = time.monotonic()
        self._tell_failure(reason)
        return {}

    def _write(self, where: Where, states: Mapping[str, State]) -> None:
        try:
            written = write_checkpoint(self.checkpoints.folder, self.key, where, states)
            self.saved, self._kept = where, [*self._kept, written][-self.checkpoints.keep :]
            keep_only(self.checkpoints.folder, self._kept)
        # Whatever it is, it is told or raised where the training is.
        except BaseException as error:
            self._failed = error

    def _tell_failure(self, reason: str) -> None:
        self.tell(f"a checkpoint could not be saved, and training goes on without it: {reason}")


def _where(where: Where) -> str:
    epoch, step = where
    return f"step {step} of epoch {epoch}" if step else f"epoch {epoch - 1}"
