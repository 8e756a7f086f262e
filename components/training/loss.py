"""In: logits and targets. Out: the loss, summed over what is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

# The target that is not learned from, as in torch's cross entropy.
IGNORED: Final = -100


def summed_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    label_smoothing: float,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the cross entropy summed over examples, in float32 whatever the precision.

    A sum, not a mean: divided by the examples of the whole step, micro-batches of unequal size
    add up to exactly the step's mean.

    Args:
        logits: (batch, labels).
        targets: (batch,) label indices, or IGNORED.
        label_smoothing: mass moved to all labels (Szegedy et al., arXiv:1512.00567).
        weights: (labels,) factors on the loss of examples by their target, smoothed part included
            (torch's own would weigh that part by all labels); None: all alike.
    """
    from torch.nn.functional import cross_entropy

    losses = cross_entropy(
        logits.float(),
        targets,
        reduction="sum" if weights is None else "none",
        ignore_index=IGNORED,
        label_smoothing=label_smoothing,
    )
    return losses if weights is None else (losses * weights[targets.clamp(min=0)]).sum()
