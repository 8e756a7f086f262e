"""In: a bundle and examples. Out: logits and answers in the examples' order, batch by batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from components.anchors import anchored
from components.errors import IntegrityError
from components.inference.bundle import Bundle, load_bundle
from components.tasks.base import Array, Encoded, Example, Prediction, predictions

# Texts of labels per batch, when a bundle is opened.
ANCHORS: Final = 32


class Forward(Protocol):
    """A model as a function."""

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """Return logits, (batch, ...), for the collated inputs, each (batch, length)."""


class Predictor:
    """Answers of one bundle, whatever runs its model.

    Attributes:
        bundle: the verified folder.
        forward: its model.
    """

    def __init__(self, bundle: Bundle, forward: Forward) -> None:
        self.bundle = bundle
        self.forward = forward
        self._anchors = self._anchor_vectors()

    def logits(self, examples: Sequence[Example], batch_size: int, stretch: int = 1) -> list[Array]:
        """Return each example's logits, in input order.

        Args:
            examples: rows with the task's columns; the label may be absent.
            batch_size: rows of tokens per batch; rows of like length share one.
            stretch: how many times its longest row a batch is padded to, as far as the model
                reads, to try whether padding matters.

        Raises:
            IntegrityError: a logit is NaN or infinite.
        """
        task = self.bundle.task
        encoded = task.encode(self.bundle.tokenizer, examples, self.bundle.card.max_length)
        rows = self._rows(encoded, batch_size, stretch)
        if self._anchors is not None and (matched := anchored(task)) and rows:
            rows = list(matched.against(np.stack(rows), self._anchors))
        return task.gather(encoded, rows)

    def predict(self, examples: Sequence[Example], batch_size: int) -> list[Prediction]:
        """Return each example's answer, in input order."""
        return predictions(self.bundle.task, examples, self.logits(examples, batch_size))

    def _anchor_vectors(self) -> Array | None:
        """Return (labels, width) what the model makes of the labels' texts, once for all."""
        card, task = self.bundle.card, self.bundle.task
        if (matched := anchored(task)) is None:
            return None
        encoded = task.encode(self.bundle.tokenizer, matched.anchors(), card.max_length)
        return np.stack(self._rows(encoded, ANCHORS, 1))

    def _rows(self, encoded: Encoded, batch_size: int, stretch: int) -> list[Array]:
        """Return what the model says of each row of tokens."""
        card, task, rows = self.bundle.card, self.bundle.task, encoded.input_ids
        out: list[Array] = [np.empty(0)] * len(rows)
        for batch in batches([len(row) for row in rows], batch_size):
            longest = len(rows[batch[-1]])
            length = max(longest, min(card.max_length, stretch * longest))
            inputs = task.collate([rows[index] for index in batch], card.pad_id, length)
            found = self.forward(inputs)
            if not np.isfinite(found).all():
                raise IntegrityError(
                    f"{self.bundle.folder} answers with NaN or infinite logits",
                    "train it again; a model like that must not be used",
                )
            for index, logits in zip(batch, found, strict=True):
                out[index] = logits[: len(rows[index])] if task.per_token else logits
        return out


def load_predictor(folder: Path, threads: int | None = None) -> Predictor:
    """Verify a bundle and open its model: torch for a trained one, onnxruntime for a graph.

    Args:
        folder: the bundle.
        threads: per batch; None takes OMP_NUM_THREADS, or every core this process may use.

    Raises:
        IntegrityError: a file is not the one that was written, or the model does not fit the task.
    """
    bundle = load_bundle(folder)
    threads = threads or default_threads()
    if bundle.card.artifact == "trained":
        from components.inference.torch import TorchForward

        return Predictor(bundle, TorchForward(bundle, threads))
    from components.inference.onnx import OnnxForward

    return Predictor(bundle, OnnxForward(bundle, threads))


def batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield the examples' indices, shortest rows first, so that a batch holds little padding."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def default_threads() -> int:
    """Count the threads that torch would take, so that all artifacts are measured alike."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
