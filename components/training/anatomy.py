"""In: a model of transformers. Out: its parts by height: embeddings, layers, all that is above."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.errors import EncoderError

if TYPE_CHECKING:
    import torch

# As a child of the model's body, in BERT, RoBERTa, ELECTRA, DeBERTa, DistilBERT and ModernBERT.
EMBEDDINGS: Final = "embeddings"


def layers(model: torch.nn.Module) -> torch.nn.ModuleList:
    """Return the encoder's layers, the lowest first.

    Raises:
        EncoderError: the model does not hold so many layers in one list as its config says.
    """
    from torch import nn

    body, wanted = _body(model), _config(model).num_hidden_layers
    for module in body.modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return module
    raise EncoderError(
        f"the encoder has no list of {wanted} layers, found {type(body).__name__}",
        "take an encoder of the BERT family, or leave training.frozen_layers, layer_decay and "
        "adapter as they are in params.yaml",
    )


def embeddings(model: torch.nn.Module) -> torch.nn.Module:
    """Return the module that turns token ids into what the lowest layer takes."""
    module: torch.nn.Module = getattr(_body(model), EMBEDDINGS)
    return module


def heights(model: torch.nn.Module) -> dict[str, int]:
    """Return the height of every parameter, by name: 0 for embeddings, 1 for the lowest layer.

    What is above the layers, the pooler and the head, is one higher than the highest of them.
    """
    within = f"{_name(model, layers(model))}."
    below = f"{_name(model, embeddings(model))}."
    top = len(layers(model)) + 1

    def height(name: str) -> int:
        if found := re.match(rf"{re.escape(within)}(\d+)\.", name):
            return int(found[1]) + 1
        return 0 if name.startswith(below) else top

    return {name: height(name) for name, _ in model.named_parameters()}


def _body(model: torch.nn.Module) -> torch.nn.Module:
    body: torch.nn.Module = getattr(model, "base_model", model)
    return body


def _config(model: torch.nn.Module) -> Any:  # noqa: ANN401 - transformers' configs are untyped
    return model.config


def _name(model: torch.nn.Module, wanted: torch.nn.Module) -> str:
    names: dict[int, str] = {id(module): name for name, module in model.named_modules()}
    return names[id(wanted)]
