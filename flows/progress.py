"""In: steps and epochs as they happen. Out: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

PLAIN_SECONDS: Final = 20.0


class Advance(Protocol):
    """Tells how far the work is."""

    def __call__(self, done: int, total: int, note: str) -> None:
        """Show `done` of `total`, and a short note beside it."""


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Give a callable that shows progress on standard error, where DVC leaves it alone."""
    if not sys.stderr.isatty():
        yield _plain(title)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, note="", total=None)

        def advance(done: int, total: int, note: str) -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield advance


def _plain(title: str) -> Advance:
    shown = time.monotonic()

    def advance(done: int, total: int, note: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= PLAIN_SECONDS:
            shown = now
            sys.stderr.write(f"{title}: {done}/{total}  {note}\n")
            sys.stderr.flush()

    return advance
