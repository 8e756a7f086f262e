"""In: targets of training rows. Out: how much each label and each batch counts in the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from components.training.feed import Feed

if TYPE_CHECKING:
    import torch


def class_weights(feed: Feed, kind: Literal["none", "balanced"]) -> torch.Tensor | None:
    """Return (labels,) factors on the loss of examples with each label, or None for all alike.

    `balanced` is rows / (labels present * rows of the label) (King and Zeng, Logistic regression in
    rare events data, Political Analysis 9, 2001): all labels weigh the same together, and the mean
    over the rows is 1, so that the loss keeps its scale and the learning rate its meaning. A label
    that no row has weighs 0.

    Args:
        feed: of the training rows, whose targets are label indices, or below 0 for none.
        kind: as in params.
    """
    if kind == "none":
        return None
    import torch

    targets = feed.tokens.targets
    counts = np.bincount(targets[targets >= 0], minlength=len(feed.task.outputs))
    present = counts > 0
    weights = np.zeros(len(counts), dtype=np.float32)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return torch.from_numpy(weights).to(feed.device)
