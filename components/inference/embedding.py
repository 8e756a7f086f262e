"""In: an encoder without a head. Out: the same, answering with one vector of length 1 per text."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

# What an encoder learns of its first token is not read here, so that it is neither kept nor missed.
POOLER: Final = "pooler"
ADDITIVE: Final = 4


class Vectors(NamedTuple):
    """What a head would answer with."""

    logits: Tensor


def embed(model: nn.Module) -> None:
    """Have the model, in place, answer with the mean of its tokens' last hidden states.

    Padding is left out, and the vector has length 1 (Reimers and Gurevych, arXiv:1908.10084). No
    weight is added, and none but the pooler's is taken away: names in its state_dict are those of
    transformers.
    """
    if getattr(model, POOLER, None) is not None:
        setattr(model, POOLER, None)
    model.register_forward_hook(_pooled, with_kwargs=True)


def unread(name: str) -> bool:
    """Tell whether a weight is none that `embed` leaves in the model."""
    return name.split(".", maxsplit=1)[0] == POOLER


def _pooled(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Vectors:  # noqa: ANN401
    hidden = output.last_hidden_state.float()
    mask = kwargs.get("attention_mask", args[1] if len(args) > 1 else None)
    if mask is None:
        return Vectors(normalize(hidden.mean(dim=1), dim=-1))
    if mask.ndim == ADDITIVE:
        # Training hands over whether a token is read, export what is added: 0 where it is.
        mask = mask[:, 0, 0, :] if mask.dtype == torch.bool else mask[:, 0, 0, :] == 0
    weights = mask.to(torch.float32).unsqueeze(-1)
    mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
    return Vectors(normalize(mean, dim=-1))
