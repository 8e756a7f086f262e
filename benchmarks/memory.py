"""In: a folder in which a run is at work. Out: the most memory that all its processes held."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

SECONDS: Final = 0.5


class Peak:
    """The most that was seen so far, in bytes of proportional set size: shared pages count once."""

    def __init__(self) -> None:
        self.bytes = 0

    def look(self, folder: Path) -> None:
        """Add up the processes that work in `folder`, or serve it."""
        total = 0
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                if process.cwd() == str(folder) or any(str(folder) in word for word in words):
                    total += process.memory_full_info().pss
        self.bytes = max(self.bytes, total)


@contextlib.contextmanager
def peak_memory(folder: Path) -> Iterator[Peak]:
    """Watch the processes of `folder` twice a second until the block ends."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(SECONDS):
            peak.look(folder)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
