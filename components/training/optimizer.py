"""In: a model and its gradients. Out: AdamW over it, its updates, and the rate of each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.params import TrainingParams
from components.training.layer_decay import layer_shares
from components.training.schedule import rate_share

if TYPE_CHECKING:
    import torch

# What torch's own clipping adds to the norm.
TINY: Final = 1e-6


def adamw(
    model: torch.nn.Module, params: TrainingParams, rates: torch.device | None = None
) -> torch.optim.AdamW:
    """Return fused AdamW (Loshchilov and Hutter, arXiv:1711.05101).

    Vectors and scalars (biases, normalization weights) do not decay; matrices do. Each group has
    its share of the learning rate, see `layer_shares`.

    Args:
        model: whose trained weights are updated.
        params: rate and decay.
        rates: a device on which the rates lie as tensors, for updates that are part of a CUDA
            graph; None: they are numbers.
    """
    import torch

    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    shares = layer_shares(model, params.layer_decay)
    groups = [
        {
            "params": [
                weight
                for name, weight in trained.items()
                if (weight.ndim > 1) == matrices and shares[name] == share
            ],
            "weight_decay": params.weight_decay if matrices else 0.0,
            "share": share,
            **({} if rates is None else {"lr": torch.tensor(params.learning_rate, device=rates)}),
        }
        for share in sorted(set(shares.values()), reverse=True)
        for matrices in (True, False)
    ]
    graphs = rates is not None
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=True, capturable=graphs)


def set_rate(
    optimizer: torch.optim.Optimizer, params: TrainingParams, step: int, steps: int
) -> float:
    """Set the learning rate of step `step` (0 for the first) and return it."""
    rate = params.learning_rate * rate_share(step, steps, params.warmup_share, params.decay)
    for group in optimizer.param_groups:
        if isinstance(group["lr"], float):
            group["lr"] = rate * group["share"]
        else:
            group["lr"].fill_(rate * group["share"])
    return rate


def update(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, max_norm: float
) -> torch.Tensor:
    """Take one step with gradients clipped to a global norm, and drop the gradients.

    Fused AdamW divides the gradients by a scale as it reads them, so that clipping needs no pass
    of its own over them.

    Returns:
        The norm before clipping; not finite when a gradient is not, and then weights are not.
    """
    from torch.nn.utils import get_total_norm

    norm: torch.Tensor = get_total_norm([w.grad for w in model.parameters() if w.grad is not None])
    inner: Any = getattr(optimizer, "optimizer", optimizer)
    inner.grad_scale = ((norm + TINY) / max_norm).clamp(min=1.0)
    optimizer.step()
    optimizer.zero_grad()
    return norm
