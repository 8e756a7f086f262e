"""In: a masked language model's folder, and texts with a word hidden. Out: what could stand there.

On the CPU in fp32, in batches of like length; only hidden places are scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from components.edits.masked import Guess, Hidden
from components.errors import EncoderError
from components.inference.predictor import batches, default_threads
from components.inference.torch import load_whole
from components.tasks.base import Array, collate
from components.words import MASKS

HEADS: Final = ("cls", "lm_head")
# Tokens around a hidden word that are read, and words that are told.
WINDOW: Final = 96
TOLD: Final = 24
# Positions for special tokens, and those that RoBERTa and its kin leave out.
UNUSED: Final = 8
BATCH_SIZE: Final = 64
CURE: Final = "name a model that was made by guessing hidden words, with the head that guesses them"
# Marks of a word's first token; tokens of WordPiece mark those that go on.
BEGINS: Final = ("Ġ", "▁")
GOES_ON: Final = "##"


class WordGuesser:
    """A masked language model, asked for words.

    Args:
        folder: config.json, model.safetensors and tokenizer.json, their digests checked.
        threads: per batch; None takes OMP_NUM_THREADS, or every core this process may use.

    Raises:
        EncoderError: it is no such model, or its tokenizer has no token that hides a word.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        torch.set_num_threads(threads or default_threads())
        self._model = load_whole(transformers.AutoModelForMaskedLM, folder, CURE)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._mask = next((m for m in MASKS if self._tokenizer.token_to_id(m) is not None), "")
        if not self._mask:
            raise EncoderError(f"{folder}: the tokenizer has none of {', '.join(MASKS)}", CURE)
        self._pad_id = getattr(self._model.config, "pad_token_id", None) or 0
        positions = getattr(self._model.config, "max_position_embeddings", 2 * WINDOW)
        self._window = min(WINDOW, positions - UNUSED)
        self._words = list(_words(self._tokenizer))

    def __call__(self, hidden: Sequence[Hidden]) -> list[list[Guess]]:
        """Return, per hidden word, the whole words that are likeliest there, in their order."""
        rows = [self._row(place) for place in hidden]
        found: list[list[Guess]] = [[] for _ in rows]
        for batch in batches([len(ids) for ids, _ in rows], BATCH_SIZE):
            odds, tokens = self._likeliest([rows[index] for index in batch])
            for index, row, own in zip(batch, odds.tolist(), tokens.tolist(), strict=True):
                found[index] = [
                    Guess(word, odd)
                    for token, odd in zip(own, row, strict=True)
                    if (word := self._words[token])
                ]
        return found

    def _row(self, place: Hidden) -> tuple[list[int], int]:
        """Return token ids around the mask, special ones kept, and the mask's place in them."""
        text, start, _ = place
        encoding = self._tokenizer.encode(text[:start] + self._mask + text[place.end :])
        mask_id = self._tokenizer.token_to_id(self._mask)
        at = next(
            at
            for at, (token, offset) in enumerate(zip(encoding.ids, encoding.offsets, strict=True))
            if token == mask_id and offset[0] <= start < offset[1]
        )
        own = [index for index, part in enumerate(encoding.sequence_ids) if part is not None]
        end = own[-1] + 1
        first = max(own[0], min(at - self._window // 2, end - self._window))
        last = min(end, first + self._window)
        before, after = encoding.ids[: own[0]], encoding.ids[end:]
        return [*before, *encoding.ids[first:last], *after], at - first + len(before)

    def _likeliest(self, rows: Sequence[tuple[list[int], int]]) -> tuple[Array, Array]:
        """Return (rows, TOLD) probabilities and token ids."""
        inputs = collate([ids for ids, _ in rows], self._pad_id, max(len(ids) for ids, _ in rows))
        tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
        places = torch.tensor([at for _, at in rows])
        with torch.inference_mode():
            logits = self._scored(tensors, places)
            odds, tokens = logits.softmax(dim=-1).topk(min(TOLD, logits.shape[-1]))
        return np.asarray(odds.numpy()), np.asarray(tokens.numpy())

    def _scored(self, inputs: dict[str, torch.Tensor], places: torch.Tensor) -> torch.Tensor:
        """Return (rows, vocabulary) logits of the hidden places alone, which saves most work."""
        each = torch.arange(len(places))
        head = next((h for name in HEADS if (h := getattr(self._model, name, None))), None)
        if head is None:
            scores: torch.Tensor = self._model(**inputs).logits[each, places]
            return scores
        states = self._model.base_model(**inputs).last_hidden_state
        scores = head(states[each, places])
        return scores


def _words(tokenizer: Tokenizer) -> Iterator[str]:
    """Yield, per token, the word that it is all of; the empty text where it is a part of one."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    marked = not any(token.startswith(GOES_ON) for token in vocabulary)
    names = {number: token for token, number in vocabulary.items()}
    for number in range(max(names) + 1):
        token = names.get(number, "")
        if marked:
            yield tokenizer.decode([number]).strip() if token.startswith(BEGINS) else ""
        else:
            yield "" if token.startswith(GOES_ON) else token
