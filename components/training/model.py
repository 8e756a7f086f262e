"""In: an encoder's folder and a task. Out: a model with a fresh head, ready to be trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components.errors import EncoderError
from components.tasks.base import Task

if TYPE_CHECKING:
    import torch


def load_model(task: Task, encoder: Path, dropout: float) -> torch.nn.Module:
    """Load the encoder in float32 with the task's head on it, drawn from torch's global seed.

    `dropout` goes to the hidden layers and the head. Attention weights get none: with it, fused
    attention falls back to a slow path on CPU.

    Raises:
        EncoderError: the files are no encoder that transformers can read.
    """
    import transformers

    head = getattr(transformers, task.head)
    try:
        with silent():
            config = transformers.AutoConfig.from_pretrained(
                encoder,
                local_files_only=True,
                trust_remote_code=False,
                num_labels=len(task.labels),
                id2label=dict(enumerate(task.labels)),
                label2id={label: index for index, label in enumerate(task.labels)},
            )
            for name in ("hidden_dropout_prob", "classifier_dropout", "dropout"):
                if hasattr(config, name):
                    setattr(config, name, dropout)
            for name in ("attention_probs_dropout_prob", "attention_dropout"):
                if hasattr(config, name):
                    setattr(config, name, 0.0)
            model = head.from_pretrained(
                encoder,
                config=config,
                dtype="float32",
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
            )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EncoderError(
            f"{encoder} cannot be read as {task.head}: {reason}",
            "name an encoder with safetensors weights in encoder.source",
        ) from error
    return cast("torch.nn.Module", model)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Hide reports and bars: that a new head is untrained is what training is for."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
