"""In: texts. Out: their tokens, word by word, and the same with some words hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from components.errors import EncoderError
from components.tasks.base import IGNORED
from components.words import MASKS

# Of the hidden tokens so many are masked, and so many exchanged for any other; the rest stays, so
# that the encoder cannot rely on seeing what it need not guess (Devlin et al., section 3.1).
MASKED: Final = 0.8
EXCHANGED: Final = 0.1

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """A text as tokens.

    Attributes:
        ids: (tokens,).
        words: (tokens,) which word of the text each belongs to, from 0; -1: none, it is special.
    """

    ids: Ids
    words: Ids


@dataclass(frozen=True)
class Masker:
    """Hides whole words: one that is half seen is guessed from its other half.

    Whole-word masking as in the BERT repository's second release (Cui et al., arXiv:1906.08101).

    Attributes:
        share: of a text's words.
        mask_id: the token that hides another.
        vocabulary: how many ids there are.
    """

    share: float
    mask_id: int
    vocabulary: int

    def hide(self, text: Words, random: np.random.Generator) -> tuple[Ids, Ids]:
        """Return (tokens,) inputs, and (tokens,) targets that are IGNORED where nothing is hidden.

        At least one word of every text that has any.
        """
        count = int(text.words.max(initial=-1)) + 1
        chosen = random.permutation(count)[: max(1, round(self.share * count))]
        hidden = np.isin(text.words, chosen)
        draws = random.random(len(text.ids))
        others = random.integers(self.vocabulary, size=len(text.ids))
        inputs = np.where(hidden & (draws < MASKED), self.mask_id, text.ids)
        exchanged = hidden & (draws >= MASKED) & (draws < MASKED + EXCHANGED)
        inputs = np.where(exchanged, others, inputs)
        return inputs, np.where(hidden, text.ids, IGNORED)


def masker(tokenizer: Tokenizer, share: float) -> Masker:
    """Return what hides words for this tokenizer.

    Raises:
        EncoderError: it has no token to hide others with.
    """
    ids = [found for mask in MASKS if (found := tokenizer.token_to_id(mask)) is not None]
    if not ids:
        raise EncoderError(
            f"the encoder's tokenizer must have a token to hide others with, {' or '.join(MASKS)}",
            "pretrain an encoder that was itself made by guessing hidden words",
        )
    return Masker(share, ids[0], tokenizer.get_vocab_size())


def split_words(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[Words]:
    """Tokenize texts; those that have no word are left out.

    Args:
        tokenizer: of the encoder, without padding.
        texts: any.
        max_length: longer ones are cut.
    """
    tokenizer.enable_truncation(max_length)
    found = []
    for encoding in tokenizer.encode_batch(list(texts)):
        words = np.array([-1 if w is None else w for w in encoding.word_ids], dtype=np.int64)
        if (words >= 0).any():
            found.append(Words(np.array(encoding.ids, dtype=np.int64), words))
    return found
