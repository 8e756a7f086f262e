"""In: data for the CPU's comparison. Out: a larger encoder and longer texts, to fill a GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
import transformers

from benchmarks.training_data import Data
from benchmarks.training_rivals import quiet
from components.tokens import ARRAYS, array_path

LENGTH: Final = 128
STEPS: Final = 40
GPU_BATCH: Final = 128


def big_encoder(data: Data, place: Path) -> Data:
    """Return the same data with an encoder of BERT-base's shape, its weights random."""
    out = place / "bert-base"
    config = transformers.BertConfig()
    with quiet():
        torch.manual_seed(0)
        transformers.BertModel(config).save_pretrained(out)
    (out / "tokenizer.json").write_bytes((data.encoder / "tokenizer.json").read_bytes())
    for extra in data.encoder.glob("tokenizer_config.json"):
        (out / extra.name).write_bytes(extra.read_bytes())
    return replace(data, name=f"{data.name}, BERT-base", encoder=out)


def full_length(data: Data, place: Path) -> Data:
    """Return data of random words, 128 tokens in each text and 128 texts in each step."""
    out = place / "full"
    out.mkdir()
    (out / "card.json").write_bytes((data.tokens / "card.json").read_bytes())
    draw = np.random.default_rng(0)
    for split, rows in (("train", STEPS * GPU_BATCH), ("validation", GPU_BATCH)):
        columns = (
            draw.integers(1000, 20_000, rows * LENGTH, dtype=np.int32),
            np.arange(0, rows * LENGTH + 1, LENGTH),
            draw.integers(0, len(data.task.labels), rows),
        )
        for name, column in zip(ARRAYS, columns, strict=True):
            np.save(array_path(out, split, name), column)  # type: ignore[arg-type]
    training = data.params.training.model_copy(update={"batch_size": GPU_BATCH})
    params = data.params.model_copy(update={"training": training})
    return replace(data, name="random words, BERT-base at 128 tokens", params=params, tokens=out)
