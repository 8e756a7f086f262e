"""In: trainings as they happen. Out: bars on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from components.training import Epoch, Step, Watch

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PLAIN_SECONDS: Final = 10.0
THOUSANDS: Final = 10_000
MINUTE: Final = 60
HOUR: Final = 3600


class Face(Protocol):
    """What is seen of trainings, several of which may run at once."""

    def overall(self, what: str, done: int, total: int, note: str) -> None:
        """Show how far the whole is."""

    def step(self, name: str, step: Step, score: float | None) -> None:
        """Show where a training stands, with its last epoch's score."""

    def end(self, name: str) -> None:
        """Show a training no more."""

    def line(self, text: str) -> None:
        """Leave a line."""

    def epoch(self, text: str) -> None:
        """Leave a line about an epoch, where bars do not tell it."""


class Board:
    """Shows trainings by name.

    Args:
        face: what is seen.
    """

    def __init__(self, face: Face) -> None:
        self._face = face
        self._scores: dict[str, float] = {}

    def overall(self, what: str, done: int, total: int, note: str = "") -> None:
        """Show how far the whole is: so many of so many, and the best so far, say."""
        self._face.overall(what, done, total, note)

    def step(self, name: str, step: Step) -> None:
        """Show where a training stands; the first step begins it."""
        self._face.step(name, step, self._scores.get(name))

    def epoch(self, name: str, number: int, score: float, loss: float | None = None) -> None:
        """Show what an epoch of a training came to."""
        self._scores[name] = score
        trained = "" if loss is None else f"  loss {loss:.3f}"
        self._face.epoch(f"{name}  epoch {number}{trained}  score {score:.4f}")

    def end(self, name: str, text: str = "") -> None:
        """Show a training no more, and leave a line where there is something to say."""
        self._scores.pop(name, None)
        self._face.end(name)
        if text:
            self._face.epoch(f"{name}  {text}")

    def line(self, text: str) -> None:
        """Leave a line."""
        self._face.line(text)

    def watch(self, name: str = "") -> Watch:
        """Return what shows one training under this name; where it is alone it needs none."""

        def on_epoch(epoch: Epoch) -> None:
            self.epoch(name, epoch.number, epoch.score, epoch.loss)

        return Watch(lambda step: self.step(name, step), on_epoch, self.line)


@contextmanager
def trainings(title: str) -> Iterator[Board]:
    """Give a board on standard error, where DVC leaves it alone."""
    if not sys.stderr.isatty():
        yield Board(Lines(title))
        return
    from rich.console import Console

    with rows(Console(stderr=True)) as bars:
        yield Board(Bars(bars, title))


def rows(console: Console) -> Progress:
    """Return rows of bars, which go away at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        # Cut off where the terminal is narrow: a row of two lines would jump.
        TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
    )


class Bars:
    """A row for the whole, where there is one, and one for each training that runs.

    Args:
        bars: of a terminal.
        title: of what runs; before lines.
    """

    def __init__(self, bars: Progress, title: str) -> None:
        self._bars, self._title = bars, title
        self._rows: dict[str, TaskID] = {}
        self._whole: TaskID | None = None

    def overall(self, what: str, done: int, total: int, note: str) -> None:
        """Show the whole in the first row."""
        if self._whole is None:
            self._whole = self._bars.add_task(what, left="", note="")
        self._bars.update(self._whole, description=what, completed=done, total=total, note=note)

    def step(self, name: str, step: Step, score: float | None) -> None:
        """Show a training in its row."""
        if name not in self._rows:
            self._rows[name] = self._bars.add_task(name or self._title, left="", note="")
        self._bars.update(
            self._rows[name],
            completed=step.number,
            total=step.steps,
            left=clock(step.seconds_left),
            note=f"loss {step.loss:.3f}{scored(score)}  {speed(step.tokens_per_second)}",
        )

    def end(self, name: str) -> None:
        """Take a training's row away."""
        if (row := self._rows.pop(name, None)) is not None:
            self._bars.remove_task(row)

    def line(self, text: str) -> None:
        """Leave a line above the bars."""
        self._bars.console.print(f"{self._title}: {text}", markup=False, highlight=False)

    def epoch(self, text: str) -> None:
        """Nothing: the rows show it."""


class Lines:
    """Plain lines: one for each epoch and each end, and between them one in ten seconds.

    Args:
        title: of what runs; before each line.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._whole = ""
        self._lock = threading.Lock()
        self._shown = time.monotonic()

    def overall(self, what: str, done: int, total: int, note: str) -> None:
        """Keep it for the next line."""
        self._whole = f"{what} {done}/{total}" + (f", {note}" if note else "")

    def step(self, name: str, step: Step, score: float | None) -> None:
        """Write a line when the last one is old."""
        with self._lock:
            if time.monotonic() - self._shown < PLAIN_SECONDS:
                return
        self.epoch(
            f"{name}  step {step.number}/{step.steps}  epoch {step.epoch}  loss {step.loss:.3f}"
            f"{scored(score)}  {speed(step.tokens_per_second)}  {clock(step.seconds_left)} left"
        )

    def end(self, name: str) -> None:
        """Nothing: there is no row to take away."""

    def line(self, text: str) -> None:
        """Write it."""
        with self._lock:
            self._shown = time.monotonic()
            # In one piece, so that nothing of another process comes between.
            sys.stderr.write(f"{self._title}: {text.lstrip()}\n")
            sys.stderr.flush()

    def epoch(self, text: str) -> None:
        """Write it, and how far the whole is."""
        self.line(f"{text}  ({self._whole})" if self._whole else text)


def scored(score: float | None) -> str:
    """Return a score that there is."""
    return "" if score is None else f"  score {score:.4f}"


def speed(tokens: float) -> str:
    """Return tokens per second in three digits or so."""
    shown = f"{tokens / 1000:,.1f}k" if tokens >= THOUSANDS else f"{tokens:,.0f}"
    return f"{shown} tokens/s"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours before them where there are some."""
    whole = round(seconds)
    minutes = f"{whole % HOUR // MINUTE}:{whole % MINUTE:02}"
    return f"{whole // HOUR}:{minutes.rjust(5, '0')}" if whole >= HOUR else minutes
