"""In: an encoder and texts as tokens. Out: a model that guesses words which are hidden from it.

Encoders that were tuned for sentences come without the head that guesses words. A fresh one is put
on: its output layer is tied to the word vectors, so that it knows the words from the start, and
only the layer between is new. It is thrown away at the end; the encoder stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from components.errors import EncoderError
from components.seeding import generator
from components.tasks.base import pad
from components.training.batches import sorted_batches
from components.training.loss import summed_cross_entropy
from components.training.masking import Masker, Words
from components.training.model import pretrained, silent

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

# What heads that guess words are called in BERT and its kin.
HEADS: Final = ("cls", "lm_head")
BATCH_SIZE: Final = 32


@dataclass(frozen=True)
class Corpus:
    """Texts as tokens.

    Attributes:
        train: those that are trained on.
        held_out: those that are not.
        pad_id: of the tokenizer.
        masker: hides words.
    """

    train: Sequence[Words]
    held_out: Sequence[Words]
    pad_id: int
    masker: Masker


@dataclass(frozen=True)
class Guesser:
    """A model that guesses hidden words, and where it trains."""

    model: torch.nn.Module
    corpus: Corpus
    accelerator: Accelerator

    def loss(self, texts: Sequence[Words], random: np.random.Generator) -> tuple[torch.Tensor, int]:
        """Return the summed cross entropy of the hidden tokens, and how many those are.

        Only where a token is hidden is the whole vocabulary scored, which is most of the work.
        """
        import torch

        longest = max(len(text.ids) for text in texts)
        pairs = [self.corpus.masker.hide(text, random) for text in texts]
        ids = pad([inputs.tolist() for inputs, _ in pairs], self.corpus.pad_id, longest)
        mask = pad([[1] * len(text.ids) for text in texts], 0, longest)
        targets = pad([t.tolist() for _, t in pairs], -1, longest).reshape(-1)
        # What is found on the host need not be waited for on the device.
        places = np.flatnonzero(targets >= 0)
        sent = [torch.from_numpy(each) for each in (ids, mask, places, targets[places])]
        device = self.accelerator.device
        inputs, attended, at, gold = (each.to(device, non_blocking=True) for each in sent)
        base, head = cast("Any", self.model.base_model), head_of(self.model)
        with self.accelerator.autocast():
            hidden = base(input_ids=inputs, attention_mask=attended).last_hidden_state
            logits = head(hidden.flatten(0, 1).index_select(0, at))
        return summed_cross_entropy(logits, gold, 0.0), len(places)

    def held_out_loss(self, seed: int) -> float:
        """Return the mean loss per hidden token on the held-out texts, always the same ones."""
        import torch

        self.model.eval()
        total, count = 0.0, 0
        lengths = np.array([len(text.ids) for text in self.corpus.held_out])
        with torch.inference_mode():
            for number, rows in enumerate(sorted_batches(lengths, BATCH_SIZE)):
                texts = [self.corpus.held_out[row] for row in rows.tolist()]
                loss, hidden = self.loss(texts, generator(seed, "held out", number))
                total, count = total + float(loss), count + hidden
        self.model.train()
        return total / count


def load_guesser(encoder: Path, dropout: float) -> torch.nn.Module:
    """Load the encoder in float32 with a head that guesses words.

    Raises:
        EncoderError: there is no such head for its kind, or its files cannot be read.
    """
    import transformers

    try:
        with silent():
            config = transformers.AutoConfig.from_pretrained(encoder, local_files_only=True)
            model = pretrained(transformers.AutoModelForMaskedLM, encoder, config, dropout)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EncoderError(
            f"{encoder} cannot be read as a model that guesses words: {reason}",
            "pretrain an encoder that was itself made by guessing hidden words",
        ) from error
    head_of(model)
    return cast("torch.nn.Module", model)


def head_of(model: torch.nn.Module) -> Any:  # noqa: ANN401 - as transformers has it
    """Return the head, from (tokens, width) to (tokens, vocabulary)."""
    for name in HEADS:
        if (head := getattr(model, name, None)) is not None:
            return head
    raise EncoderError(
        f"the head of {type(model).__name__} is not known here",
        "pretrain a BERT, RoBERTa, MPNet or a kin of theirs",
    )
