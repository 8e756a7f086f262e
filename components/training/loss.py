"""In: logits and targets. Out: the loss, summed over what is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.scope import NO_LABEL
from components.tasks.base import IGNORED, Loss

if TYPE_CHECKING:
    import torch


def summed_loss(
    kind: Loss,
    logits: torch.Tensor,
    targets: torch.Tensor,
    label_smoothing: float,
    weights: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of a task's kind, summed over what is learned from, in float32.

    Args:
        kind: as the task names it.
        logits: (batch, outputs) or (batch, length, outputs).
        targets: (batch, ...) or (batch, length).
        label_smoothing: mass moved to all labels; 0 where the kind knows none.
        weights: (labels,) of `one_label` and `label_or_none` alone.
        mask: (batch, length) 0 where a row is padded, which `span` alone must know; None: nowhere.
    """
    if kind == "one_label":
        return summed_cross_entropy(logits, targets, label_smoothing, weights)
    if kind == "label_or_none":
        return _summed_or_even(logits, targets, label_smoothing, weights)
    if kind == "each_token":
        flat = logits.reshape(-1, logits.shape[-1])
        return summed_cross_entropy(flat, targets.reshape(-1), label_smoothing)
    if kind == "span":
        return _summed_span(logits, targets, mask)
    return _summed_binary(logits, targets, label_smoothing)


def summed_match(
    vectors: torch.Tensor, anchors: torch.Tensor, targets: torch.Tensor, scale: float
) -> torch.Tensor:
    """Return the multiple negatives ranking loss, summed over texts, in float32.

    The cross entropy of scale * cosine over the items of a batch: Henderson et al.,
    arXiv:1705.00652, section 4.4, with the cosine in place of the product, as is usual since.

    Args:
        vectors: (texts, width) of length 1.
        anchors: (items, width) of length 1, each item once.
        targets: (texts,) which of the items each text matches.
        scale: inverse of the temperature.
    """
    logits = scale * vectors.float() @ anchors.float().T
    return summed_cross_entropy(logits, targets, 0.0)


def _summed_or_even(
    logits: torch.Tensor,
    targets: torch.Tensor,
    label_smoothing: float,
    weights: torch.Tensor | None,
) -> torch.Tensor:
    """Return the cross entropy, for rows of NO_LABEL that to all labels evenly.

    Outlier Exposure (Hendrycks, Mazeika and Dietterich, ICLR 2019, arXiv:1812.04606). There both
    losses are means, here a row is a row, so that few such rows weigh little.
    """
    import torch

    none = targets == NO_LABEL
    labelled = targets.masked_fill(none, IGNORED)
    loss = summed_cross_entropy(logits, labelled, label_smoothing, weights)
    even = -torch.log_softmax(logits.float(), dim=-1).mean(dim=-1)
    return loss + torch.where(none, even, torch.zeros_like(even)).sum()


def _summed_span(
    logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Return the mean cross entropy of start and end, (batch, length, 2) to (batch, 2), summed.

    Tokens of a row compete. Padding must not: how long a batch is would change the loss.
    """
    if mask is not None:
        logits = logits.float().masked_fill(mask[..., None] == 0, float("-inf"))
    ends = [summed_cross_entropy(logits[..., at], targets[..., at], 0.0) for at in (0, 1)]
    return (ends[0] + ends[1]) / 2


def _summed_binary(
    logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float
) -> torch.Tensor:
    """Return the binary cross entropy, its mean over outputs, summed over rows.

    A number in a range is learned in the same way, as a share of it: as cross-encoders learn how
    alike two texts are (Reimers and Gurevych, arXiv:1908.10084; CrossEncoder of their library).

    Args:
        logits: (batch, outputs).
        targets: (batch, outputs) shares in [0, 1], or (batch,) of a single output.
        label_smoothing: moves targets towards one half.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    wanted = targets.reshape(logits.shape).float()
    wanted = wanted * (1 - label_smoothing) + label_smoothing / 2
    losses = binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return losses.mean(dim=-1).sum()


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
