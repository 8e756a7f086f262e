"""In: a bundle with safetensors weights. Out: its logits, by torch in fp32 on the CPU."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors.torch import load_file

from components.errors import EncoderError, IntegrityError
from components.inference.adapted import attach
from components.inference.bundle import REMAKE, WEIGHTS, Bundle
from components.inference.embedding import embed, unread
from components.tasks.base import Array


class TorchForward:
    """The model of a trained bundle as a function.

    Args:
        bundle: the verified folder.
        threads: per batch; torch has one setting for the whole process.

    Raises:
        IntegrityError: the weights do not fill the model, or the head is not the task's.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        torch.set_num_threads(threads)
        self._model = load_model(bundle)

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """Return logits, (batch, outputs) or (batch, length, outputs) float32."""
        tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
        with torch.inference_mode():
            return cast(Array, self._model(**tensors).logits.numpy())


def load_model(bundle: Bundle, attention: str | None = None) -> torch.nn.Module:
    """Open the weights, from the folder only, in evaluation mode.

    Args:
        bundle: the verified folder.
        attention: the implementation that transformers shall use; None leaves the choice to it.

    Raises:
        IntegrityError: the weights do not fill the model, or the head is not the task's.
    """
    auto = getattr(transformers, bundle.task.head)
    options = {} if attention is None else {"attn_implementation": attention}
    with quiet():
        # A checkpoint with missing weights would otherwise load, the rest random.
        model, report = auto.from_pretrained(
            bundle.folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    _fill(attach(model), model, bundle, report)
    if not bundle.task.outputs:
        report["missing_keys"] = {key for key in report["missing_keys"] if not unread(key)}
        embed(model)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[kind]:
            found = ", ".join(sorted(str(key) for key in report[kind])[:3])
            raise IntegrityError(
                f"{bundle.folder / WEIGHTS}: {kind.replace('_', ' ')}: {found}", REMAKE
            )
    if bundle.task.outputs and model.config.num_labels != len(bundle.task.outputs):
        raise IntegrityError(
            f"{bundle.folder}: the task has {len(bundle.task.outputs)} labels, "
            f"found a head of {model.config.num_labels}",
            REMAKE,
        )
    return cast(torch.nn.Module, model.eval())


def _fill(names: set[str], model: torch.nn.Module, bundle: Bundle, report: dict[str, Any]) -> None:
    """Load what an adapter adds to the model, and correct what transformers reported."""
    if not names:
        return
    tensors = load_file(bundle.folder / WEIGHTS)
    model.load_state_dict({name: tensors[name] for name in names & tensors.keys()}, strict=False)
    report["unexpected_keys"] = set(report["unexpected_keys"]) - names
    report["missing_keys"] = set(report["missing_keys"]) | (names - tensors.keys())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' bars and load reports out of the user's terminal; failures raise."""
    level, bar = (
        transformers.logging.get_verbosity(),
        transformers.logging.is_progress_bar_enabled(),
    )
    transformers.logging.set_verbosity(logging.ERROR)
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)
        if bar:
            transformers.logging.enable_progress_bar()


def load_whole(auto: Any, folder: Path, cure: str, **options: Any) -> Any:  # noqa: ANN401
    """Open a model that was published with its head, in evaluation mode, in fp32.

    Args:
        auto: the auto class of transformers that knows such models.
        folder: with config.json and safetensors; nothing is read from elsewhere.
        cure: of what is wrong with it.
        options: further ones of `from_pretrained`.

    Raises:
        EncoderError: its files cannot be read as one, or weights are missing.
    """
    try:
        with quiet():
            model, report = auto.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
    # A config can be wrong in as many ways as libraries read it, each with errors of its own.
    except Exception as error:
        raise unreadable(folder, "a model", error, cure) from error
    if report["missing_keys"] or report["mismatched_keys"]:
        lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))[:3]
        raise EncoderError(f"{folder}: weights are missing: {', '.join(lacking)}", cure)
    return model.eval()


def unreadable(path: Path, kind: str, error: Exception, cure: str) -> EncoderError:
    """Return the error of a file that a library cannot read, in its first line's words."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return EncoderError(f"{path} cannot be read as {kind}: {reason}", cure)
