"""In: a model. Out: thin matrices beside each of its own, and, once trained, folded into them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from components.params import TrainingParams
from components.training.anatomy import layers

if TYPE_CHECKING:
    import torch

# What is added is scaled by 2, whatever the rank: half or twice the rank wants the same rate.
SCALE: Final = 2
# AdaLoRA starts with half as many ranks again as it ends with; as in the paper's experiments.
SURPLUS: Final = 1.5
# Shares of all steps before the first rank is taken away, and after the last was.
WARMING: Final = 0.1
SETTLED: Final = 0.3
ROUNDS: Final = 100


def inject(model: torch.nn.Module, params: TrainingParams, steps: int) -> None:
    """Put thin matrices beside every matrix of every layer, in place; nothing else is trained.

    All of them, and not attention's alone: at equal numbers of trained weights that is as good or
    better (Zhang et al., arXiv:2303.10512, figure 1; Dettmers et al., arXiv:2305.14314).

    Args:
        model: of transformers, with its head.
        params: of the training; the adapter is lora or adalora.
        steps: of the whole training.
    """
    from peft import inject_adapter_in_model
    from torch import nn

    linear = {id(module) for module in layers(model).modules() if isinstance(module, nn.Linear)}
    names = [name for name, module in model.named_modules() if id(module) in linear]
    inject_adapter_in_model(_config(params, steps, names), model)


def merged(model: torch.nn.Module) -> torch.nn.Module:
    """Fold the thin matrices, if there are any, into those that they stand beside, in place.

    Returns:
        The model as transformers built it: its modules and its names, nothing of peft left.
    """
    if not hasattr(model, "peft_config"):
        return model
    from peft.tuners.tuners_utils import BaseTunerLayer

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
    del model.peft_config
    return model


def _config(params: TrainingParams, steps: int, names: list[str]) -> Any:  # noqa: ANN401 - peft's
    from peft import AdaLoraConfig, LoraConfig

    rank = params.adapter_rank
    if params.adapter == "lora":
        return LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=names)
    first = math.ceil(SURPLUS * rank)
    return AdaLoraConfig(
        init_r=first,
        target_r=rank,
        lora_alpha=SCALE * first,
        target_modules=names,
        total_step=steps,
        tinit=math.floor(WARMING * steps),
        tfinal=math.floor(SETTLED * steps),
        deltaT=max(1, steps // ROUNDS),
    )
