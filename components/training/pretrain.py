"""In: an encoder and one's own texts. Out: the encoder, used to how these texts are written.

Masked language modelling, further than its makers did, on texts like those that it will classify
(Gururangan et al., Don't stop pretraining, arXiv:2004.10964).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from components.errors import CapacityError
from components.files import atomic_folder, write_json
from components.params import TrainingParams
from components.seeding import derive, generator
from components.training.batches import Rows, length_batches
from components.training.checkpoint import Checkpoints
from components.training.device import accelerated, repeatable
from components.training.guesser import Corpus, Guesser, load_guesser
from components.training.interrupt import Asked, interruptible
from components.training.memory import persist
from components.training.meter import Done, Meter
from components.training.model import silent
from components.training.optimizer import adamw, set_rate, update
from components.training.parts import Draws, Moments, Place, Weights
from components.training.saver import Saver
from components.training.state import Part
from components.training.watch import Watch

if TYPE_CHECKING:
    import torch

FACTS: Final = "pretraining.json"
TOKENIZER: Final = "tokenizer.json"


def pretrain_on(  # noqa: PLR0913, PLR0917 - as `fit`, the last two change no result
    corpus: Corpus,
    params: TrainingParams,
    encoder: Path,
    seed: int,
    out: Path,
    facts: Mapping[str, Any],
    watch: Watch,
    checkpoints: Checkpoints,
) -> tuple[float, float]:
    """Train the encoder to guess hidden words, and write it as a folder that is an encoder again.

    It goes on from its newest checkpoint, to the same weights bit for bit on the same kind of CPU.

    Args:
        corpus: the texts.
        params: the training section, with the epochs, batch size and rate of pre-training.
        encoder: folder with config.json, safetensors and tokenizer.
        seed: all draws derive from it.
        out: replaced: config.json, model.safetensors, tokenizer.json, and how it came about.
        facts: of how it came about; they must name all that shapes the weights.
        watch: told of steps.
        checkpoints: where it is saved; removed at the end.

    Returns:
        The mean loss per hidden token on held-out texts, before and after.

    Raises:
        EncoderError: the encoder has no kind of head that guesses words.
        DivergenceError: a loss or a gradient is not finite.
        CapacityError: a batch does not fit into memory.
        Interrupted: a signal came, and the place is saved.
    """
    with (
        interruptible(wanted=True) as asked,
        repeatable(derive(seed, "pretraining")),
        accelerated(params.precision) as accelerator,
    ):
        model = load_guesser(encoder, params.dropout).to(accelerator.device).train()
        guesser = Guesser(model, corpus, accelerator)
        before = guesser.held_out_loss(seed)
        key = f"{facts['key']}-{accelerator.device.type}"
        with Saver(checkpoints, key, watch.on_note) as saver:
            _train(guesser, params, seed, watch, asked, saver)
        after = guesser.held_out_loss(seed)
        write_encoder(encoder, model.to("cpu").eval(), out, {**facts, "loss": [before, after]})
    checkpoints.remove()
    return before, after


def _train(
    guesser: Guesser,
    params: TrainingParams,
    seed: int,
    watch: Watch,
    asked: Asked,
    saver: Saver,
) -> None:
    model, texts, accelerator = guesser.model, guesser.corpus.train, guesser.accelerator
    optimizer, place = adamw(model, params), Place()
    parts: dict[str, Part] = {
        "place": place,
        "model": Weights(model),
        "optimizer": Moments(optimizer),
        "draws": Draws(accelerator.device),
    }
    lengths = np.array([len(text.ids) for text in texts])
    each = -(-len(texts) // params.batch_size)
    meter = Meter(watch, params.epochs * each)

    def work(rows: Rows) -> Done:
        optimizer.zero_grad()
        random = generator(seed, "mask", place.epoch, place.step)
        loss, hidden = guesser.loss([texts[row] for row in rows.tolist()], random)
        accelerator.backward(loss / hidden)
        norm = update(model, optimizer, params.max_grad_norm)
        return Done(loss.detach(), norm, hidden, len(rows), int(lengths[rows].sum()))

    saver.resume(place, parts)
    meter.number = (place.epoch - 1) * each + place.step
    while place.epoch <= params.epochs:
        batches = length_batches(lengths, params.batch_size, generator(seed, "texts", place.epoch))
        meter.begin(place.epoch)
        for rows in batches[place.step :]:
            saver.pause(place, parts, asked, meter)
            rate = set_rate(optimizer, params, meter.number, meter.steps)
            meter.add(persist(lambda rows=rows: work(rows), _give_up), rate)  # type: ignore[misc]
            place.step += 1
        meter.report()
        place.epoch, place.step = place.epoch + 1, 0


def write_encoder(
    encoder: Path, model: torch.nn.Module, out: Path, facts: Mapping[str, Any]
) -> None:
    """Write the encoder without the head: what guessing does not train, a pooler, stays as it was.

    Args:
        encoder: that the training began with.
        model: as `load_guesser` gave it, trained, on the CPU.
        out: replaced.
        facts: go into a file of their own.
    """
    import transformers

    with silent(), atomic_folder(out) as partial:
        whole = transformers.AutoModel.from_pretrained(
            encoder, dtype="float32", local_files_only=True, use_safetensors=True
        )
        trained = cast("Any", model.base_model).state_dict()
        whole.load_state_dict({**whole.state_dict(), **trained})
        whole.save_pretrained(partial)
        shutil.copyfile(encoder / TOKENIZER, partial / TOKENIZER)
        write_json(partial / FACTS, dict(facts))


def perplexity(loss: float) -> float:
    """Return how many words a guess is as good as choosing among."""
    return math.exp(min(loss, 50.0))


def _give_up(reason: str) -> None:
    raise CapacityError(
        f"pretrain: a batch must fit into memory, ran out of it: {reason}",
        "lower pretraining.batch_size or tokenization.max_length",
    )
