"""In: logits and targets. Out: the loss, summed over what is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def summed_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float
) -> torch.Tensor:
    """Return the cross entropy summed over examples, in float32 whatever the precision.

    A sum, not a mean: divided by the examples of the whole step, micro-batches of unequal size
    add up to exactly the step's mean.

    Args:
        logits: (batch, labels).
        targets: (batch,) label indices.
        label_smoothing: mass moved to all labels (Szegedy et al., arXiv:1512.00567).
    """
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=label_smoothing)
