"""In: a training between two steps. Out: its newest checkpoint on disk, and the way back to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.training.checkpoint import Checkpoints, keep_only, newest, write_checkpoint
from components.training.memory import out_of_memory, release
from components.training.parallel import first_process
from components.training.parts import Place
from components.training.state import Part, State


@dataclass
class Saver:
    """Saves when it is time, and never ends a training that could go on without.

    Attributes:
        checkpoints: where to, and how often.
        key: of the training.
        tell: told of what was resumed, and of a save that failed.
    """

    checkpoints: Checkpoints
    key: str
    tell: Callable[[str], None]
    _kept: list[Path] = field(default_factory=list)
    _saved: tuple[int, int] = (1, 0)
    _since: float = field(default_factory=time.monotonic)

    def resume(self, place: Place, parts: Mapping[str, Part]) -> None:
        """Set every part to the newest checkpoint that verifies, if there is one; say so."""
        found = newest(self.checkpoints.folder, self.key, parts.keys())
        passed = f"; passed over {'; '.join(found.passed)}" if found.passed else ""
        if found.folder is None:
            if passed:
                self.tell(f"starts anew{passed}")
            return
        for name, part in parts.items():
            part.load(found.parts[name])
        self._kept, self._saved = [found.folder], (place.epoch, place.step)
        self.tell(f"goes on after {_where(place)}{passed}")

    def due(self) -> bool:
        """Tell whether it is time."""
        return time.monotonic() - self._since >= 60 * self.checkpoints.minutes

    def save(self, place: Place, parts: Mapping[str, Part]) -> bool:
        """Save, unless the same place is saved already; return whether it is on the disk now.

        Of several processes only the first saves; all resume from what it saved.
        """
        where = (place.epoch, place.step)
        if where == self._saved or not first_process():
            return True
        try:
            self._write(where, parts)
        except (OSError, RuntimeError, MemoryError) as error:
            if not isinstance(error, OSError) and not out_of_memory(error):
                raise
            self.tell(f"could not save after {_where(place)}, and goes on without: {error}")
            return False
        finally:
            self._since = time.monotonic()
        self._saved = where
        return True

    def _write(self, where: tuple[int, int], parts: Mapping[str, Part]) -> None:
        """Write all parts; a second time, after what is cached was given back, when memory ends."""
        try:
            states = _states(parts)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            states = {}
        if not states:
            release()
            states = _states(parts)
        written = write_checkpoint(self.checkpoints.folder, self.key, where, states)
        self._kept = [*self._kept, written][-self.checkpoints.keep :]
        keep_only(self.checkpoints.folder, self._kept)


def _states(parts: Mapping[str, Part]) -> dict[str, State]:
    return {name: part.state() for name, part in parts.items()}


def _where(place: Place) -> str:
    return f"step {place.step} of epoch {place.epoch}" if place.step else f"epoch {place.epoch - 1}"
