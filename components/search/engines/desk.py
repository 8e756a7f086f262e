"""In: what an objective tells. Out: the same, on its way to who asked for the training."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from components.arrays import Array
from components.search.jobs import Curves, Ending, Job
from components.search.objective import DeviceUse, Pruned, Seat, finite

SHOW_SECONDS: Final = 0.2


class Desk:
    """The `Report` of one attempt at a job.

    Args:
        job: what trains.
        seat: where.
        ask: is given an epoch, its score and the curves since the last; returns whether to go on.
        show: is given where the training stands.
    """

    def __init__(
        self,
        job: Job,
        seat: Seat | None,
        ask: Callable[[int, float, Curves], bool],
        show: Callable[[object], None],
    ) -> None:
        self.checkpoints: Path | None = job.checkpoints
        self.seat = seat
        self.copies: bool | None = job.arm.copies if job.arm else None
        self._used: DeviceUse | None = None
        self._tallies: Array | None = None
        self._name = f"trial {job.number}"
        self._ask, self._show = ask, show
        self._curves: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self._shown = float("-inf")

    def __call__(self, epoch: int, score: float, /) -> None:
        """Tell an epoch's score; raises Pruned when the trial is not worth more."""
        if not self._ask(epoch, finite(score), self.curves()):
            raise Pruned(f"{self._name} after epoch {epoch}")

    def show(self, step: object) -> None:
        """Show where the training stands, a few times a second at most."""
        now = time.monotonic()
        if now - self._shown >= SHOW_SECONDS:
            self._shown = now
            self._show(step)

    def curve(self, name: str, at: int, value: float) -> None:
        """Note a point of a curve."""
        self._curves[name][at] = value

    def device(self, use: DeviceUse) -> None:
        """Note what the training took of an accelerator."""
        self._used = use

    def judged(self, tallies: Array) -> None:
        """Note what was right."""
        self._tallies = tallies

    def told(self, ending: Ending) -> Ending:
        """Return the ending with all that was noted and not told yet."""
        return dataclasses.replace(
            ending, device=self._used, curves=self.curves(), tallies=self._tallies
        )

    def curves(self) -> Curves:
        """Return the points that were noted since this was last asked."""
        noted, self._curves = dict(self._curves), defaultdict(dict)
        return noted
