"""In: nothing. Out: what training hands over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.params import TrainingParams
from components.training.watch import Epoch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Fitted:
    """A fine-tuned model with its best weights, and how it came about.

    Attributes:
        model: on CPU, in evaluation mode.
        score: the task's metric on validation, of the best epoch.
        best_epoch: from 1.
        history: one entry per epoch that was run.
        params: what it was trained with.
        seed: likewise.
        device: the kind of device it was trained on ("cpu", "cuda").
        examples_per_second: over all training steps, scoring left out.
        accumulation: micro-batches per step at the end; more than asked for when memory ran out.
    """

    model: torch.nn.Module
    score: float
    best_epoch: int
    history: tuple[Epoch, ...]
    params: TrainingParams
    seed: int
    device: str
    examples_per_second: float
    accumulation: int
