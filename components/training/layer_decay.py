"""In: a model. Out: the share of the learning rate that each of its weights is trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.training.anatomy import heights

if TYPE_CHECKING:
    import torch


def layer_shares(model: torch.nn.Module, decay: float) -> dict[str, float]:
    """Return, by the name of each parameter, decay to the power of its distance from the head.

    Lower layers hold what is general and change less (Howard and Ruder, arXiv:1801.06146, who
    divide by 2.6 from layer to layer; Clark et al., arXiv:2003.10555, take 0.8 for a base-sized
    encoder). The pooler and the head have the whole rate, the embeddings the smallest.

    Args:
        model: of transformers, with its head.
        decay: factor from each layer to the one below it; 1: all train at one rate.
    """
    if decay == 1.0:
        return {name: 1.0 for name, _ in model.named_parameters()}
    height = heights(model)
    top = max(height.values())
    return {name: decay ** (top - at) for name, at in height.items()}
