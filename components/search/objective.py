"""In: values that a trial tries. Out: what trains with them, and what it may tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from components.arrays import Array
from components.errors import DivergenceError
from components.params import SearchParams, TrainingParams, overlay
from components.search.space import ORIGIN


class Pruned(Exception):  # noqa: N818 - no error: it ends a trial that is not worth its time
    """Raised by `report`: the trial must stop; the objective lets it pass."""


@dataclass(frozen=True)
class Seat:
    """Where a training runs.

    Attributes:
        worker: which of those that run at once, from 0.
        workers: how many run at once on this machine, and share its cores and devices.
    """

    worker: int
    workers: int


@dataclass(frozen=True)
class DeviceUse:
    """What a training took of its accelerator.

    Attributes:
        devices: of this machine.
        total: bytes of the one it ran on.
        used: bytes at its peak, with what the process needs beside its tensors.
    """

    devices: int
    total: int
    used: int


class Report(Protocol):
    """What an objective is given: called with `(epoch, score)` after each epoch, from 1.

    Attributes:
        checkpoints: the folder of this training's checkpoints; None: none are kept.
        seat: where it runs; None: in the caller's own process, which is left as it is.
        copies: whether altered copies of training rows are trained on, and the answers to be told
            with `judged`; None: they are, and nobody asks for more than the score.
    """

    checkpoints: Path | None
    seat: Seat | None
    copies: bool | None

    def __call__(self, epoch: int, score: float, /) -> None:
        """Tell the score; raises Pruned when the trial is not worth more."""

    def show(self, step: object) -> None:
        """Show where the training stands; some are left out when they come quickly."""

    def curve(self, name: str, at: int, value: float) -> None:
        """Note a point of a curve; told with the next epoch's score."""

    def judged(self, tallies: Array) -> None:
        """Tell the task's (validation rows, tallies) of the best epoch."""

    def device(self, use: DeviceUse) -> None:
        """Note what it took of an accelerator."""


class Objective(Protocol):
    """Trains once and returns the validation score of the best epoch.

    To train in another process it must be picklable.
    """

    def __call__(self, training: TrainingParams, trial_seed: int, report: Report, /) -> float:
        """Call `report(epoch, score)` after each epoch, epochs from 1."""


def section_of(
    params: SearchParams, training: TrainingParams, values: Mapping[str, Any], trial: int
) -> TrainingParams:
    """Return the training section of a trial: as many epochs as trials have, and its values."""
    return overlay(training, {**values, "epochs": params.epochs}, f"{ORIGIN}, trial {trial}")


def finite(score: float) -> float:
    """Return the score.

    Raises:
        DivergenceError: it is NaN or infinite, which would compare as no score does.
    """
    if not math.isfinite(score):
        raise DivergenceError(f"search: a score must be finite, found {score}", "lower the rate")
    return score
