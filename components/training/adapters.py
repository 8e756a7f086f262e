"""In: a model and the kind of adapter. Out: the encoder frozen, few weights beside it to train.

* lora: a product of two thin matrices is added to every matrix of every layer (Hu et al.,
  arXiv:2106.09685); merged into it at the end, exactly but for rounding. adapter_rank 4 to 32,
  learning_rate 5e-4 to 5e-3.
* adalora: the same as a singular value decomposition, whose ranks go where they matter (Zhang et
  al., arXiv:2303.10512; see adalora.py); merged likewise. 1e-3 to 1e-2.
* bottleneck, prefix, prompt: modules that no weight can hold, and that stay in the model (see
  components/inference/adapted.py). bottleneck: adapter_rank 16 to 64, 5e-4 to 5e-3; prefix: 8 to
  32, 5e-3 to 3e-2; prompt: 8 to 32, 1e-2 to 1e-1.

The pooler and the head, which are above the encoder's layers, are trained in full with each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.errors import ParamsError
from components.params import TrainingParams
from components.training.anatomy import heights, layers
from components.training.lora import inject

if TYPE_CHECKING:
    import torch


def adapt(model: torch.nn.Module, params: TrainingParams, steps: int, longest: int) -> None:
    """Freeze the encoder, in place, and give it the adapter of the training section, if any.

    Args:
        model: as `load_model` gives it.
        params: of the training.
        steps: of the whole training, over which adalora plans.
        longest: tokens of the longest text that may come.

    Raises:
        ParamsError: the encoder has too few positions for texts and prompt.
        EncoderError: the encoder has no place for such an adapter.
    """
    if params.adapter == "none":
        return
    at, above = heights(model), len(layers(model)) + 1
    trained = [weight for name, weight in model.named_parameters() if at[name] == above]
    model.requires_grad_(False)
    if params.adapter in {"lora", "adalora"}:
        inject(model, params, steps)
    else:
        _attach(model, params, longest)
    for weight in trained:
        weight.requires_grad_()


def _attach(model: Any, params: TrainingParams, longest: int) -> None:  # noqa: ANN401
    from components.inference.adapted import KIND, SIZE, attach

    config, size = model.config, params.adapter_rank
    places = getattr(config, "max_position_embeddings", longest + size)
    if params.adapter == "prompt" and longest + size > places:
        raise ParamsError(
            f"training.adapter_rank must leave room for texts of {longest} tokens in the "
            f"encoder's {places} positions, found a prompt of {size}",
            "lower training.adapter_rank or tokenization.max_length",
        )
    setattr(config, KIND, params.adapter)
    setattr(config, SIZE, size)
    attach(model)
