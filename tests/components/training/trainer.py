"""In: the toy and where to stop. Out: a training that is stopped there and can be started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.params import TrainingParams
from components.tasks.base import Task
from components.training import Checkpoints, Epoch, Fitted, Watch, fit
from components.training.run import Run
from tests.components.training.test_fit import digest

ENCODER = "e" * 64
# 90 rows in steps of 16: the steps of an epoch.
STEPS = 6
# What was trained without a stop, by its params.
WHOLE: dict[str, Fitted] = {}


@dataclass
class Trainer:
    """Trains the toy in a folder of checkpoints, and stops where it is told to."""

    task: Task
    params: TrainingParams
    encoder: Path
    tokens: Path
    folder: Path
    minutes: float = 0.0
    taken: int = 0
    notes: list[str] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.folder, self.minutes, ENCODER)

    def train(self, stop: Callable[[int], None] | None = None) -> Fitted:
        """Train; `stop` is called with the number of steps that this process has taken."""
        self.taken = 0
        watch = Watch(on_epoch=self.epochs.append, on_note=self.notes.append)
        with _steps_told(self, stop):
            return fit(
                self.task, self.params, self.encoder, self.tokens, 7, watch, self.checkpoints
            )

    def unsaved(self) -> Fitted:
        """Train without stopping or saving; each params once for all tests of this file."""
        key = self.params.model_dump_json()
        if key not in WHOLE:
            WHOLE[key] = fit(self.task, self.params, self.encoder, self.tokens, 7)
        return WHOLE[key]


@contextmanager
def _steps_told(trainer: Trainer, stop: Callable[[int], None] | None) -> Iterator[None]:
    real = Run.step

    def step(run: Run, *rest: Any) -> Any:
        done = real(run, *rest)
        trainer.taken += 1
        if stop:
            stop(trainer.taken)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "step", step)
        yield


def ask_to_end(at: int, number: int = signal.SIGTERM) -> Callable[[int], None]:
    """Send this process a signal in the middle of its step `at`."""

    def stop(taken: int) -> None:
        if taken == at:
            os.kill(os.getpid(), number)

    return stop


class Killed(BaseException):
    """Stands in for a kill: nothing that training does on the way out may matter."""


def kill(at: int) -> Callable[[int], None]:
    def stop(taken: int) -> None:
        if taken == at:
            raise Killed

    return stop


def same(one: Fitted, two: Fitted) -> None:
    assert digest(one) == digest(two)
    assert one.score == two.score
    assert one.best_epoch == two.best_epoch
    told = [(e.number, e.loss, e.metrics) for e in one.history]
    assert told == [(e.number, e.loss, e.metrics) for e in two.history]
