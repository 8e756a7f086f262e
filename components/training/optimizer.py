"""In: a model. Out: AdamW over it, and the learning rate of each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.params import TrainingParams
from components.training.schedule import rate_share

if TYPE_CHECKING:
    import torch


def adamw(model: torch.nn.Module, params: TrainingParams) -> torch.optim.AdamW:
    """Return fused AdamW (Loshchilov and Hutter, arXiv:1711.05101).

    Vectors and scalars (biases, normalization weights) do not decay; matrices do.
    """
    import torch

    trained = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in trained if w.ndim > 1], "weight_decay": params.weight_decay},
        {"params": [w for w in trained if w.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=True)


def set_rate(
    optimizer: torch.optim.Optimizer, params: TrainingParams, step: int, steps: int
) -> float:
    """Set the learning rate of step `step` (0 for the first) and return it."""
    rate = params.learning_rate * rate_share(step, steps, params.warmup_share, params.decay)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate
