"""In: a translation model's folder, and texts. Out: each text in the model's other language.

On the CPU in fp32, in batches of like length, without chance: greedy, or by beam search.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from tokenizers import Tokenizer

from components.errors import EncoderError
from components.inference.predictor import batches, default_threads
from components.inference.torch import load_whole, unreadable
from components.tasks.base import collate

GENERATION: Final = "generation_config.json"
# What a model says of its tokens; how it would search is not taken from it.
TOKENS: Final = ("decoder_start_token_id", "eos_token_id", "pad_token_id", "forced_bos_token_id")
# Longer texts are not translated: these models were made from sentences, and leave parts out.
LONGEST: Final = 256
ROOM: Final = 10
BATCH_SIZE: Final = 32
CURE: Final = "name a translation model, encoder and decoder in one, with its weights and tokenizer"


class Translator:
    """A model that reads a text in one language, and writes it in another.

    Args:
        folder: config.json, model.safetensors and tokenizer.json, their digests checked.
        files: names of those that may be opened.
        prefix: stands before each text, such as the name of a language that the model asks for.
        beams: of the search; 1: greedy.
        threads: per batch; None takes OMP_NUM_THREADS, or every core this process may use.

    Raises:
        EncoderError: it is no such model, or does not say with which token it begins and ends.
    """

    def __init__(
        self,
        folder: Path,
        files: Collection[str],
        prefix: str,
        beams: int,
        threads: int | None = None,
    ) -> None:
        torch.set_num_threads(threads or default_threads())
        # Its own settings are not opened unasked: their digest may not be known.
        self._model = load_whole(
            transformers.AutoModelForSeq2SeqLM,
            folder,
            CURE,
            generation_config=transformers.GenerationConfig(),
        )
        self._config = _generation(folder, files, self._model, beams)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._prefix = prefix
        positions = getattr(self._model.config, "max_position_embeddings", None)
        self._longest = min(LONGEST, positions or LONGEST)

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Return the translations; empty for a text that is too long, or comes to no end."""
        encodings = self._tokenizer.encode_batch([self._prefix + text for text in texts])
        rows = [encoding.ids for encoding in encodings]
        found = [""] * len(rows)
        short = [
            index
            for index, text in enumerate(texts)
            if text.strip() and len(rows[index]) <= self._longest
        ]
        for batch in batches([len(rows[index]) for index in short], BATCH_SIZE):
            chosen = [short[place] for place in batch]
            for index, text in zip(chosen, self._batch([rows[i] for i in chosen]), strict=True):
                found[index] = text
        return found

    def _batch(self, rows: Sequence[Sequence[int]]) -> list[str]:
        longest = max(len(row) for row in rows)
        inputs = collate(rows, self._config.pad_token_id, longest)
        config = copy.deepcopy(self._config)
        config.max_new_tokens = min(self._longest, 2 * longest + ROOM)
        with torch.inference_mode():
            written = self._model.generate(
                **{name: torch.from_numpy(array) for name, array in inputs.items()},
                generation_config=config,
            )
        return [self._ended(ids) for ids in written[:, 1:].tolist()]

    def _ended(self, ids: list[int]) -> str:
        """Return tokens as text; one that never ends was cut, or goes round in circles."""
        end = self._config.eos_token_id
        return self._tokenizer.decode(ids).strip() if end in ids else ""


def _generation(folder: Path, files: Collection[str], model: Any, beams: int) -> Any:  # noqa: ANN401
    """Return how to write: the model's own special tokens, and a search without chance."""
    kind = transformers.GenerationConfig
    try:
        listed = GENERATION in files
        own = kind.from_pretrained(folder) if listed else kind.from_model_config(model.config)
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(folder / GENERATION, "settings", error, CURE) from error
    tokens = {name: getattr(own, name, None) for name in TOKENS}
    ends = tokens["eos_token_id"]
    tokens["eos_token_id"] = ends[0] if isinstance(ends, list) and ends else ends
    for name in TOKENS[:3]:
        if not isinstance(tokens[name], int):
            raise EncoderError(f"{folder}: {name} must be a token, found {tokens[name]!r}", CURE)
    # Padding is no word: unless forbidden, Marian's models would begin with it.
    forbidden = [[tokens["pad_token_id"]]]
    return transformers.GenerationConfig(
        **tokens, bad_words_ids=forbidden, do_sample=False, num_beams=beams
    )
