"""In: an encoder's folder and a task. Out: a model with a fresh head, ready to be trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from components.errors import EncoderError
from components.params import TrainingParams
from components.tasks.base import Task

if TYPE_CHECKING:
    import torch

COMPILED_MULTIPLE: Final = 8
# transformers takes torch's fused attention where the encoder has it, and its own in MPNet and
# DeBERTa, which have not; `python -m benchmarks.attention` measures both.
ATTENTION: Final = None


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
                encoder, local_files_only=True, trust_remote_code=False, **_labels(task)
            )
            model = pretrained(head, encoder, config, dropout)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EncoderError(
            f"{encoder} cannot be read as {task.head}: {reason}",
            "name an encoder with safetensors weights in encoder.source",
        ) from error
    if not task.outputs:
        from components.inference.embedding import embed

        embed(model)
    return cast("torch.nn.Module", model)


def _labels(task: Task) -> dict[str, Any]:
    """Return what a config says of a head; nothing where there is none."""
    if not task.outputs:
        return {}
    return {
        "num_labels": len(task.outputs),
        "id2label": dict(enumerate(task.outputs)),
        "label2id": {output: index for index, output in enumerate(task.outputs)},
    }


def pretrained(kind: Any, encoder: Path, config: Any, dropout: float) -> Any:  # noqa: ANN401 - as transformers has them
    """Read a model from a folder: safetensors alone, no code, dropout everywhere but in attention.

    Args:
        kind: a class of transformers.
        encoder: folder with safetensors.
        config: of the model; its dropout is set.
        dropout: share of activations.
    """
    for name in ("hidden_dropout_prob", "classifier_dropout", "dropout"):
        if hasattr(config, name):
            setattr(config, name, dropout)
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return kind.from_pretrained(
        encoder,
        config=config,
        dtype="float32",
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        attn_implementation=ATTENTION,
    )


def compiles(params: TrainingParams, device: torch.device) -> bool:
    """Tell whether the model is compiled: on a CPU it costs 35 s and wants a C++ compiler.

    Adversarial passes put hooks on the word vectors, which a compiled model would not see.
    """
    return params.compile == "auto" and device.type == "cuda" and not params.adversarial


def shape(
    model: torch.nn.Module, params: TrainingParams, device: torch.device, replayed: bool = False
) -> None:
    """Set up, in place, how the model is computed; names in its state_dict stay.

    Compiled once for all lengths. Where steps are not replayed as whole CUDA graphs, the model is.
    """
    changed: Any = model
    if params.gradient_checkpointing:
        # The older name warns where the newer one exists.
        newer = getattr(changed, "activation_checkpointing_enable", None)
        (newer or changed.gradient_checkpointing_enable)({"use_reentrant": False})
    if compiles(params, device):
        changed.compile(**({} if replayed else {"mode": "reduce-overhead", "dynamic": True}))


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
