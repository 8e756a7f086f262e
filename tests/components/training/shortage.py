"""In: the toy and a place in a step. Out: a training that runs out of memory there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from components.params import TrainingParams
from components.tasks.base import Task
from components.training import Checkpoints, Fitted, Step, Watch, fit, loop
from components.training.feed import Feed

# What a GPU's allocator raises, the CPU's, and Python's.
ERRORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 1099511627776 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "python": MemoryError(),
}
# The step that runs out, 6 of which make an epoch.
AT = 4


class Toy:
    """Trains two epochs, and keeps what it was told."""

    def __init__(self, task: Task, params: TrainingParams, encoder: Path, tokens: Path) -> None:
        self.rest = (task, params, encoder, tokens, 7)
        self.notes: list[str] = []
        self.steps: list[Step] = []

    def train(self, checkpoints: Checkpoints | None = None) -> Fitted:
        watch = Watch(on_step=self.steps.append, on_note=self.notes.append)
        return fit(*self.rest, watch, checkpoints)


def once(at: int, error: BaseException) -> Callable[[], None]:
    """Raise at the call number `at`, and never again."""
    calls = iter(range(1, 1_000_000))

    def call() -> None:
        if next(calls) == at:
            raise error

    return call


def into(where: str, patch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let one step run out of memory in this place."""
    fails = once(AT, error)
    owner, name = {
        "batch": (Feed, "inputs"),
        "forward": (torch.nn.Module, "__call__"),
        "backward": (Accelerator, "backward"),
        "optimizer": (torch.optim.AdamW, "step"),
    }[where]
    real = getattr(owner, name)

    def failing(self: Any, *rest: Any, **named: Any) -> Any:
        if where != "forward" or hasattr(self, "classifier"):
            fails()
        return real(self, *rest, **named)

    patch.setattr(owner, name, failing)


def smaller_from_the_step_on(patch: pytest.MonkeyPatch) -> None:
    """Train as if it had been known before which step does not fit: what is to come out."""
    real = loop.Loop._step

    def step(self: Any, batch: Any) -> None:
        if self.meter.number == AT - 1:
            self.memory.parts = 2
        real(self, batch)

    patch.setattr(loop.Loop, "_step", step)
