"""In: a model and a split. Out: the task's metrics on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from components.anchors import anchored
from components.errors import DivergenceError
from components.tasks.base import Array, metrics
from components.training.batches import sorted_batches
from components.training.feed import Feed
from components.training.meter import CURE

if TYPE_CHECKING:
    import torch

BATCH_SIZE: Final = 64


def score(model: torch.nn.Module, feed: Feed, shrink: int = 1) -> dict[str, float]:
    """Return the task's metrics; the model is in training mode again afterwards.

    A figure that the split has no row for, such as recall out of scope, is left out; the metric
    that decides never is.

    Args:
        model: scored in evaluation mode.
        feed: of the validation split.
        shrink: divides the rows of a batch, when memory does not hold more.

    Raises:
        DivergenceError: a logit or the metric is not finite; NaN logits would score as label 0.
    """
    logits = logits_of(model, feed, shrink)
    if not all(np.isfinite(row).all() for row in logits):
        raise DivergenceError("training: validation logits must be finite, found NaN or inf", CURE)
    targets = [feed.tokens.target(row) for row in range(len(feed.tokens))]
    found = metrics(feed.task, *feed.task.from_tokens(targets, logits))
    name = feed.task.metric
    if not math.isfinite(found[name]):
        raise DivergenceError(f"training: {name} must be finite, found {found[name]}", CURE)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def logits_of(model: torch.nn.Module, feed: Feed, shrink: int = 1) -> list[Array]:
    """Return each row's logits, (outputs,) or (its tokens, outputs) float32, in the split's order.

    The model ends up in training mode.
    """
    import torch

    batches = sorted_batches(feed.lengths, max(1, BATCH_SIZE // shrink))
    model.eval()
    with torch.inference_mode():
        # Copies: a CUDA graph writes its next output where the last one is.
        parts = [model(**feed.inputs(rows)).logits.float().clone() for rows in batches]
    model.train()
    logits: list[Array] = [np.empty(0)] * len(feed.tokens)
    for rows, part in zip(batches, [part.cpu().numpy() for part in parts], strict=True):
        for row, found in zip(rows.tolist(), part, strict=True):
            logits[row] = found[: feed.lengths[row]] if feed.task.per_token else found
    anchors, matched = feed.of_anchors(), anchored(feed.task)
    if anchors is None or matched is None:
        return logits
    return list(matched.against(np.stack(logits), np.stack(logits_of(model, anchors, shrink))))
