"""In: a model and a split. Out: the task's metrics on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from components.errors import DivergenceError
from components.tasks.base import Array
from components.training.batches import sorted_batches
from components.training.feed import Feed
from components.training.meter import CURE

if TYPE_CHECKING:
    import torch

BATCH_SIZE: Final = 64


def score(model: torch.nn.Module, feed: Feed, shrink: int = 1) -> dict[str, float]:
    """Return the task's metrics; the model is in training mode again afterwards.

    Args:
        model: scored in evaluation mode.
        feed: of the validation split.
        shrink: divides the rows of a batch, when memory does not hold more.

    Raises:
        DivergenceError: a logit or a metric is not finite; NaN logits would score as label 0.
    """
    logits = logits_of(model, feed, shrink)
    if not np.isfinite(logits).all():
        raise DivergenceError("training: validation logits must be finite, found NaN or inf", CURE)
    metrics = feed.task.metrics(feed.task.labelled(feed.tokens.targets), list(logits))
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise DivergenceError(f"training: {name} must be finite, found {value}", CURE)
    return metrics


def logits_of(model: torch.nn.Module, feed: Feed, shrink: int = 1) -> Array:
    """Return (rows, labels) float32 in the split's order; the model ends up in training mode."""
    import torch

    batches = sorted_batches(feed.lengths, max(1, BATCH_SIZE // shrink))
    model.eval()
    with torch.inference_mode():
        # Copies: a CUDA graph writes its next output where the last one is.
        parts = [model(**feed.inputs(rows)).logits.float().clone() for rows in batches]
        gathered = torch.cat(parts).cpu().numpy()
    model.train()
    logits = np.empty_like(gathered)
    logits[np.concatenate(batches)] = gathered
    return logits
