"""In: a training section. Out: what a step of that training does, looked at from within."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from components.params import TrainingParams
from components.tasks.base import Task
from components.training.device import accelerated, repeatable
from components.training.run import Run, start

Tensors = dict[str, torch.Tensor]
BATCH = np.arange(10)


@contextmanager
def running(
    task: Task, params: TrainingParams, encoder: Path, tokens: Path, seed: int = 3
) -> Iterator[Run]:
    """Start a training and take no step."""
    with repeatable(seed), accelerated(params.precision) as accelerator:
        yield start(task, params, encoder, tokens, accelerator)


def trained(model: torch.nn.Module) -> Tensors:
    """Copies of all weights that training moves."""
    named = model.named_parameters()
    return {name: weight.detach().clone() for name, weight in named if weight.requires_grad}


def gradients(run: Run, accumulation: int = 1) -> Tensors:
    """The gradients of one step, and none left behind."""
    run.backward(BATCH, accumulation)
    found = {n: w.grad.clone() for n, w in run.plain.named_parameters() if w.grad is not None}
    run.optimizer.zero_grad()
    return found


def close(one: Tensors, two: Tensors) -> None:
    """Equal but for rounding."""
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=1e-4)
