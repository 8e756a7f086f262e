"""In: a model. Out: the same, the lowest parts of its encoder left as they were pretrained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import ParamsError
from components.training.anatomy import embeddings, layers

if TYPE_CHECKING:
    import torch


def freeze(model: torch.nn.Module, lowest: int, with_embeddings: bool) -> None:
    """Take the lowest layers, and the embeddings, out of training, in place.

    Lee, Tang and Lin (arXiv:1911.03090) reach 90 % of the quality with a quarter of the layers
    trained, the top ones. With both frozen, no gradient is computed below the lowest trained layer,
    which saves time; with the layers alone, it still has to pass through them.

    Args:
        model: of transformers, with its head.
        lowest: so many layers, counted from below.
        with_embeddings: word, position and segment vectors too, and their normalization.

    Raises:
        ParamsError: there are not so many layers.
    """
    if with_embeddings:
        embeddings(model).requires_grad_(False)
    if lowest == 0:
        return
    stack = layers(model)
    if lowest > len(stack):
        raise ParamsError(
            f"training.frozen_layers must be at most {len(stack)}, as many as the encoder has, "
            f"found {lowest}",
            "lower training.frozen_layers, or take encoder.layers back",
        )
    for layer in stack[:lowest]:
        layer.requires_grad_(False)
