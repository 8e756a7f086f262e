"""In: modules of an encoder. Out: modules that compute the same for less.

Their parameters and states have the names and the shapes that the originals have in a state_dict.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, scaled_dot_product_attention
from torch.utils.hooks import RemovableHandle
from transformers.models.bert.modeling_bert import BertLayer

# A dropout decision takes 16 random bits: the probability is held to 1 / 65,536.
CHOICES: Final = 1 << 16
# A head that reads the first token alone says so to the last layer.
FIRST_ALONE: Final = "first_token_alone"


class SeenEmbedding(nn.Embedding):
    """A table of word vectors of which only the rows that training texts use are trained.

    A step of AdamW, its clipping and its zeroing cost as much as the table is long, and a data set
    uses a tenth of it or less. The other rows are kept as they were pretrained: they have no
    gradient, and decoupled weight decay, which would shrink them a little with every step although
    nothing was learned about them, does not touch them. Used rows are computed as ever.

    Any token id may be looked up, in training and in evaluation. `state_dict` gives the whole table
    under the name that it had, and `load_state_dict` takes a whole table.

    Args:
        whole: the table.
        seen: (words,) int64 token ids, ascending.
    """

    seen: Tensor
    row_of: Tensor
    pretrained: Tensor

    def __init__(self, whole: nn.Embedding, seen: Tensor) -> None:
        row_of = torch.full((whole.num_embeddings,), -1)
        row_of[seen] = torch.arange(len(seen))
        padding = whole.padding_idx if whole.padding_idx in seen.tolist() else None
        super().__init__(
            len(seen),
            whole.embedding_dim,
            padding_idx=None if padding is None else int(row_of[padding]),
            _weight=whole.weight.detach()[seen],
        )
        self._whole_padding = whole.padding_idx
        self.register_buffer("seen", seen, persistent=False)
        self.register_buffer("row_of", row_of, persistent=False)
        self.register_buffer("pretrained", whole.weight.detach(), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., width) the vectors of (...) token ids."""
        rows = self.row_of[input]
        trained = embedding(rows.clamp(min=0), self.weight, self.padding_idx)
        return torch.where((rows >= 0).unsqueeze(-1), trained, embedding(input, self.pretrained))

    def whole(self) -> nn.Embedding:
        """Return a plain table of all words, the trained rows put back."""
        table = self._table()
        words, width = table.shape
        return nn.Embedding(words, width, padding_idx=self._whole_padding, _weight=table)

    def _table(self) -> Tensor:
        return self.pretrained.index_copy(0, self.seen, self.weight.detach())

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        del keep_vars
        destination[f"{prefix}weight"] = self._table()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:  # noqa: ANN401
        name = f"{prefix}weight"
        table = state_dict.get(name)
        if table is None or table.shape != self.pretrained.shape:
            super()._load_from_state_dict(state_dict, prefix, *rest)
            return
        with torch.no_grad():
            self.pretrained.copy_(table)
            self.weight.copy_(self.pretrained[self.seen])


class FirstSegment(nn.Embedding):
    """A table of segments for texts that are one segment each, as all are that training sees.

    Its first row is added to every token without a look-up; the gradient is then a plain sum, where
    that of a look-up adds up token after token, which on a GPU takes longer than a whole layer.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return (..., width) the first segment's vector for (...) zeros."""
        return self.weight[0].expand(*input.shape, -1)


class LightDropout(nn.Dropout):
    """Dropout (Srivastava et al., JMLR 15, 2014) with a quarter of the random numbers, for CPUs.

    torch draws a number of 64 bits per element on one thread; there it is among the dearest
    things of a step. 16 bits per element are enough, so that one draw serves four. They come from
    torch's global generator.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Zero elements with probability p and scale the rest by what keeps the mean."""
        if not self.training or self.p == 0.0:
            return input
        return input * self._mask(input)

    def _mask(self, values: Tensor) -> Tensor:
        """Return 0 or 1 / (1 - p) for each element, in its type."""
        dropped = min(round(self.p * CHOICES), CHOICES - 1)
        drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = drawn.view(torch.int16)[: values.numel()].view(values.shape)
        mask = torch.empty(values.shape, dtype=values.dtype)
        torch.ge(bits, dropped - CHOICES // 2, out=mask)
        return mask.mul_(CHOICES / (CHOICES - dropped))


class FirstTokenLayer(BertLayer):  # type: ignore[misc]
    """BERT's last layer, which computes the first token alone for a head that reads no other.

    Keys and values are of all tokens as ever; queries, attention's output and the two large
    products are of one token. What the head reads, and its gradients, are the same.
    """

    asked: RemovableHandle

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        *rest: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Tensor:
        """Return (batch, length, width), or (batch, 1, width) when asked for the first token."""
        alone = options.pop(FIRST_ALONE, False)
        if not alone or options.get("past_key_values") is not None:
            whole: Tensor = super().forward(hidden_states, attention_mask, *rest, **options)
            return whole
        attention, first = self.attention.self, hidden_states[:, :1]

        def heads(values: Tensor) -> Tensor:
            split = (*values.shape[:-1], -1, attention.attention_head_size)
            return values.view(split).transpose(1, 2)

        context = scaled_dot_product_attention(
            heads(attention.query(first)),
            heads(attention.key(hidden_states)),
            heads(attention.value(hidden_states)),
            attn_mask=None if attention_mask is None else attention_mask[..., :1, :],
            dropout_p=attention.dropout.p if self.training else 0.0,
            scale=attention.scaling,
        )
        attended = self.attention.output(context.transpose(1, 2).flatten(2), first)
        found: Tensor = self.feed_forward_chunk(attended)
        return found


def ask_for_first_token(
    _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tell the layers, before a model with a head is computed, that it reads the first token."""
    return given, {**named, FIRST_ALONE: True}


def spread_mask(
    _: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give an encoder's body the mask as attention takes it, (batch, 1, length, length).

    Of one that is (batch, length) transformers first looks whether anything is masked in it, which
    on a GPU waits for all that is under way; who sends a mask here has looked on the host.
    """
    mask = named.get("attention_mask")
    if mask is None or mask.ndim != 2:  # noqa: PLR2004 - batch and length
        return given, named
    spread = mask[:, None, None, :].bool().expand(-1, -1, mask.shape[1], -1)
    return given, {**named, "attention_mask": spread}
