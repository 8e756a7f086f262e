"""In: a batch of texts and what each matches. Out: how badly they are told from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.training.batches import Rows
from components.training.feed import Feed
from components.training.loss import summed_match

if TYPE_CHECKING:
    import torch


def matched_loss(
    model: torch.nn.Module, feed: Feed, scale: float, rows: Rows, batch: Rows
) -> torch.Tensor:
    """Return the loss of some rows of a batch, summed over them.

    Each is told from all items that any row of the whole batch matches, however few of its rows are
    held in memory at once, so that accumulation changes nothing but rounding. An item stands there
    once: no row has its own among those that it is told from. Texts and items go through the model
    together, so that it is computed once per step.

    Args:
        model: answers with a vector of length 1 per text.
        feed: of the split, with the items as anchors.
        scale: what cosines are multiplied with.
        rows: those whose loss it is.
        batch: the rows of the whole step.
    """
    import torch

    targets = np.asarray(feed.tokens.targets)
    items = np.unique(targets[batch])
    vectors = model(**feed.inputs(rows, items)).logits
    places = torch.from_numpy(np.searchsorted(items, targets[rows])).to(vectors.device)
    return summed_match(vectors[: len(rows)], vectors[len(rows) :], places, scale)
