"""In: a model whose config names an adapter. Out: the same, with the modules that cannot be merged.

Three kinds of adapters are no change of any weight, so that they stay beside the encoder for good:
when it is trained, saved, loaded and traced. Each is a module within the part that it alters, under
whose name its weights are saved, and a hook that lets it act.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from components.errors import EncoderError

# Fields of config.json.
KIND: Final = "adapter"
SIZE: Final = "adapter_rank"
Kwargs = dict[str, Any]


class Bottleneck(nn.Module):
    """A narrow two-layer network beside the stream (Houlsby et al., arXiv:1902.00751).

    One per layer, behind its feed-forward part, as Pfeiffer et al. (arXiv:2005.00247) found to be
    enough. It adds nothing as long as it is untrained.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        nn.init.normal_(self.down.weight, std=0.02)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, values: Tensor) -> Tensor:
        """Return (..., width) what comes out for (..., width)."""
        out: Tensor = values + self.up(nn.functional.gelu(self.down(values)))
        return out


class Prompt(nn.Module):
    """Trained vectors that every text is given as words (Lester et al., arXiv:2104.08691).

    They stand behind the first token, whose output the head reads; at first they are vectors of
    words drawn at random, which the paper found better than noise.
    """

    def __init__(self, words: Tensor, size: int) -> None:
        super().__init__()
        drawn = torch.randint(len(words), (size,))
        self.vectors = nn.Parameter(words.detach()[drawn].clone())

    def forward(self, words: Tensor) -> Tensor:
        """Return (batch, size + length, width) for (batch, length, width) word vectors."""
        vectors = self.vectors.expand(words.shape[0], -1, -1)
        return torch.cat([words[:, :1], vectors, words[:, 1:]], dim=1)


class Prefix(nn.Module):
    """Trained keys and values that every token of a layer attends to as well.

    Li and Liang (arXiv:2101.00190), in each layer, without their reparametrization, as Liu et al.
    (arXiv:2110.07602) use it on encoders. To attention it is what a cache of earlier tokens is.
    """

    def __init__(self, heads: int, size: int, width: int) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.empty(1, heads, size, width).normal_(std=0.02))
        self.values = nn.Parameter(torch.empty(1, heads, size, width).normal_(std=0.02))

    def update(self, keys: Tensor, values: Tensor, *_: object) -> tuple[Tensor, Tensor]:
        """Return both, (batch, heads, length, width), with those of the prefix before them.

        The name is that of transformers' caches.
        """
        return self._before(self.keys, keys), self._before(self.values, values)

    @staticmethod
    def _before(own: Tensor, others: Tensor) -> Tensor:
        return torch.cat([own.to(others.dtype).expand(others.shape[0], -1, -1, -1), others], 2)


def attach(model: nn.Module) -> set[str]:
    """Give the model, in place, the adapter that its config names.

    Returns:
        The names of what its state_dict has gained; empty without an adapter.

    Raises:
        EncoderError: the encoder has no place for it.
    """
    config: Any = model.config
    kind, before = getattr(config, KIND, None), set(model.state_dict())
    if kind is None:
        return set()
    body: Any = getattr(model, "base_model", model)
    size = getattr(config, SIZE)
    if kind == "prompt":
        _attach_prompt(body, size)
    else:
        for layer in body.encoder.layer if hasattr(body, "encoder") else _none(kind):
            LAYERS[kind](layer, size)
    return set(model.state_dict()) - before


def _attach_prompt(body: Any, size: int) -> None:  # noqa: ANN401 - transformers' models
    prompt = Prompt(body.get_input_embeddings().weight, size)
    body.embeddings.prompt = prompt

    def hand_over(_: nn.Module, args: tuple[Tensor, ...], kwargs: Kwargs) -> tuple[Any, Kwargs]:
        named = dict(zip(("input_ids", "attention_mask"), args, strict=False)) | kwargs
        words = named.pop("inputs_embeds", None)
        if words is None:
            words = body.get_input_embeddings()(named.pop("input_ids"))
        named["inputs_embeds"] = prompt(words)
        if (mask := named.get("attention_mask")) is not None:
            named["attention_mask"] = _longer(mask, size)
        if (segments := named.get("token_type_ids")) is not None:
            named["token_type_ids"] = segments[:, :1]
        return (), named

    body.register_forward_pre_hook(hand_over, with_kwargs=True)


def _attach_prefix(layer: Any, size: int) -> None:  # noqa: ANN401 - transformers' models
    attention = getattr(getattr(layer, "attention", None), "self", None) or _none("prefix")
    heads, width = attention.num_attention_heads, attention.attention_head_size
    prefix = attention.prefix = Prefix(heads, size, width)

    def hand_over(_: nn.Module, args: tuple[Any, ...], kwargs: Kwargs) -> tuple[Any, Kwargs]:
        named = dict(zip(("hidden_states", "attention_mask"), args, strict=False)) | kwargs
        if (mask := named.get("attention_mask")) is not None:
            named["attention_mask"] = _longer(mask, size)
        return (), named | {"past_key_values": prefix}

    attention.register_forward_pre_hook(hand_over, with_kwargs=True)


def _attach_bottleneck(layer: Any, size: int) -> None:  # noqa: ANN401 - transformers' models
    *_, last = (module for module in layer.modules() if isinstance(module, nn.Linear))
    last.bottleneck = Bottleneck(last.out_features, size)
    last.register_forward_hook(lambda module, _, out: module.bottleneck(out))


LAYERS: Final[dict[str, Callable[[Any, int], None]]] = {
    "bottleneck": _attach_bottleneck,
    "prefix": _attach_prefix,
}


def _longer(mask: Tensor, size: int) -> Tensor:
    """Return the mask with so many more columns; as the first token is, they are never masked."""
    return torch.cat([mask[..., :1].expand(*mask.shape[:-1], size), mask], dim=-1)


def _none(kind: str) -> Any:  # noqa: ANN401 - never returns
    raise EncoderError(
        f"the encoder has no place for an adapter of kind {kind}: it is none of the BERT family",
        "take training.adapter: lora, which fits every encoder, or another encoder",
    )
