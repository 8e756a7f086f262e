"""In: a model and the tokens it will train on. Out: the same model, cheaper to train.

What is done is invisible outside: names and shapes of a state_dict stay, and `plain` undoes it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from components.training.feed import Feed

if TYPE_CHECKING:
    import torch

    Swap = Callable[[torch.nn.Module], torch.nn.Module]

# What transformers' files of models import to make masks; the causal ones are for decoders.
MAKER: Final = re.compile(r"create_\w*mask$")
BIDIRECTIONAL: Final = {"create_bidirectional_mask"}
CAUSAL: Final = {"create_causal_mask"}
# The attribute by which a model knows the hook that prepares its masks.
SPREADING: Final = "_spreading"


def lean(model: torch.nn.Module, train: Feed) -> torch.nn.Module:
    """Replace, in place, what costs more than it must.

    * The table of word vectors is trained in the rows that training texts use (see SeenEmbedding).
      A table that is frozen, or tied to an output layer that needs all of it, stays.
    * Segments are not looked up: a text is one (see FirstSegment).
    * On a CPU, dropout draws fewer random numbers (see LightDropout).
    * No look is taken at a mask on the device (see spread_mask).
    * A head that reads the first token alone has the last layer compute no other (see
      FirstTokenLayer): a seventh of the work of six layers.

    Args:
        model: on the CPU, as `load_model` gives it.
        train: of the training split.
    """
    from torch import nn

    from components.training.modules import LightDropout, SeenEmbedding

    table, seen = _table(model), _seen(train)

    def swap(module: nn.Module) -> nn.Module:
        if module is table and len(seen) < table.num_embeddings:
            return SeenEmbedding(table, seen)
        if type(module) is nn.Dropout and train.device.type == "cpu":
            return LightDropout(module.p)
        return module

    _read_first_token(model)
    _add_segments(model)
    _spread_masks(model)
    return _swapped(model, swap)


def plain(model: torch.nn.Module) -> torch.nn.Module:
    """Put back, in place, the modules that `lean` replaced, with what they have learned."""
    from torch import nn

    from components.training.modules import (
        FirstSegment,
        FirstTokenLayer,
        LightDropout,
        SeenEmbedding,
    )

    if handle := model.__dict__.pop(SPREADING, None):
        handle.remove()
    for module in model.modules():
        if isinstance(module, FirstTokenLayer):
            module.asked.remove()
            del module.asked
        if isinstance(module, FirstTokenLayer | FirstSegment):
            module.__class__ = type(module).__mro__[1]

    def swap(module: nn.Module) -> nn.Module:
        if isinstance(module, SeenEmbedding):
            return module.whole()
        if isinstance(module, LightDropout):
            return nn.Dropout(module.p)
        return module

    return _swapped(model, swap)


def _read_first_token(model: torch.nn.Module) -> None:
    """Have BERT's last layer know that a head for whole texts reads the first token alone.

    Whoever computes the body without the head gets all tokens, as ever.
    """
    from transformers.models.bert.modeling_bert import BertForSequenceClassification, BertLayer

    from components.training.modules import FirstTokenLayer, ask_for_first_token

    if type(model) is not BertForSequenceClassification:
        return
    layers = [module for module in model.modules() if type(module) is BertLayer]
    config: Any = model.config
    if not layers or config.is_decoder or config._attn_implementation != "sdpa":
        return
    last: Any = layers[-1]
    last.__class__ = FirstTokenLayer
    last.asked = model.register_forward_pre_hook(ask_for_first_token, with_kwargs=True)


def _add_segments(model: torch.nn.Module) -> None:
    """Have BERT add its first segment to all tokens, which it would look up for each of them."""
    from torch import nn
    from transformers.models.bert.modeling_bert import BertEmbeddings

    from components.training.modules import FirstSegment

    for module in model.modules():
        if type(module) is BertEmbeddings:
            table = module.token_type_embeddings
            if type(table) is nn.Embedding and table.padding_idx is None:
                table.__class__ = FirstSegment


def _spread_masks(model: torch.nn.Module) -> None:
    """Prepare masks ahead of encoders whose every layer takes the one that transformers makes.

    Others make masks of several kinds, such as of a window, or their own.
    """
    from components.training.modules import spread_mask

    body, config = getattr(model, "base_model", model), getattr(model, "config", None)
    makers = {name for name in vars(sys.modules[type(body).__module__]) if MAKER.match(name)}
    if makers - CAUSAL != BIDIRECTIONAL or getattr(config, "is_decoder", False):
        return
    if getattr(config, "_attn_implementation", "") == "sdpa":
        handle = body.register_forward_pre_hook(spread_mask, with_kwargs=True)
        model.__dict__[SPREADING] = handle


def _table(model: torch.nn.Module) -> torch.nn.Embedding | None:
    """Return the table of word vectors, when it is trained and nothing else shares it."""
    from torch import nn

    find: Callable[[], object] = getattr(model, "get_input_embeddings", lambda: None)
    table = find()
    if type(table) is not nn.Embedding or not table.weight.requires_grad or table.max_norm:
        return None
    owners = [
        name for name, weight in model.named_parameters(remove_duplicate=False)
        if weight is table.weight
    ]  # fmt: skip
    return table if len(owners) == 1 else None


def _seen(train: Feed) -> torch.Tensor:
    """Return (words,) the ids that occur in training, that of padding among them."""
    import torch

    others = [] if train.anchors is None else [train.anchors.input_ids]
    words = np.unique(np.concatenate([train.tokens.input_ids, *others, [train.pad_id]]))
    return torch.from_numpy(words.astype(np.int64))


def _swapped(model: torch.nn.Module, swap: Swap) -> torch.nn.Module:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            other = swap(child)
            if other is not child:
                setattr(parent, name, other.train(child.training))
    return model
