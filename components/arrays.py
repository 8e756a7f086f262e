"""In: rows of token ids, or logits. Out: padded batches, shares, and the texts that rows carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Stands where a text has fewer characters than its rows have cells for them.
BLANK: Final = -1


def collate(input_ids: Sequence[Sequence[int]], pad_id: int, length: int) -> Mapping[str, Array]:
    """Pad to (batch, length) and add the attention mask."""
    return {
        "input_ids": pad(input_ids, pad_id, length),
        "attention_mask": pad([[1] * len(row) for row in input_ids], 0, length),
    }


def pad(rows: Iterable[Sequence[int]], value: int, length: int) -> Array:
    """Pad rows on the right with `value`.

    Returns:
        (batch, length) int64.
    """
    rows = list(rows)
    out = np.full((len(rows), length), value, dtype=np.int64)
    for index, row in enumerate(rows):
        out[index, : len(row)] = row
    return out


def cut_tokens(encoding: Any) -> int:  # noqa: ANN401 - tokenizers has no type stubs
    """Count the tokens that did not fit, special tokens left out."""
    return sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing)


def softmax(logits: Array) -> Array:
    """Return probabilities along the last axis, in float64, without overflow."""
    shifted: Array = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    out: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return out


def share(part: Array, whole: Array) -> Array:
    """Return part / whole, (...), NaN where the whole is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def with_text(rows: Array, text: str) -> Array:
    """Add a text to the rows of what is answered about it: so many code points beside each.

    Args:
        rows: (rows, columns).
        text: that an answer quotes.

    Returns:
        (rows, columns + n) float64, n as small as holds the text; without rows, no text.
    """
    rows = rows.astype(np.float64)
    if not len(rows):
        return rows
    codes = np.full((len(rows), -(-len(text) // len(rows))), BLANK, dtype=np.float64)
    codes.flat[: len(text)] = [ord(letter) for letter in text]
    return np.concatenate([rows, codes], axis=1)


def text_of(codes: Array) -> str:
    """Return the text that `with_text` put into the last columns."""
    return "".join(chr(int(code)) for code in codes.flat if code != BLANK)
