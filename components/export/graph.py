"""In: a trained bundle. Out: its ONNX graph in standard operators, for any batch and length."""

from __future__ import annotations

import inspect
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import onnx
import torch

from components.export.shapes import copy_dimensions
from components.inference.bundle import Bundle
from components.inference.onnx import INPUTS, LINEAGE, OUTPUT
from components.inference.torch import load_model

# Measured: these graphs quantize well, and onnxruntime fuses at load what pays. Fused beforehand
# (attention, skip layer normalization) they are no faster alone, and a sixth slower in batches.
OPSET: Final = 17
ATTENTION: Final = "eager"


class _Logits(torch.nn.Module):
    """The model with two inputs and one output, all texts being one segment.

    The mask is handed over as what is added to attention's scores, one row per text, and the
    segments as a single 0 that stands for all. Handed over as they are, the model would spell both
    out for each pair of tokens: some forty operators more, a twentieth of a single request.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model
        self.segments = "token_type_ids" in inspect.signature(model.forward).parameters

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits, (batch, ..., outputs), for two (batch, length) inputs."""
        hidden = (1.0 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        constant = {"token_type_ids": input_ids.new_zeros((1, 1))} if self.segments else {}
        output = self.model(input_ids=input_ids, attention_mask=hidden, **constant)
        logits: torch.Tensor = output.logits
        return logits


def to_graph(bundle: Bundle) -> onnx.ModelProto:
    """Trace the model of a trained bundle."""
    graph = _trace(bundle, load_model(bundle, ATTENTION))
    copy_dimensions(graph)
    return graph


def save_graph(model: onnx.ModelProto, lineage: str, path: Path) -> None:
    """Write one file, the same bytes for the same graph, marked with the lineage id."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {LINEAGE: lineage})
    path.write_bytes(model.SerializeToString(deterministic=True))


@contextmanager
def quiet() -> Iterator[None]:
    """Mute the tools' advice to their developers; a wrong graph shows in the parity figures."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _trace(bundle: Bundle, model: torch.nn.Module) -> onnx.ModelProto:
    card, task = bundle.card, bundle.task
    rows = task.encode(bundle.tokenizer, task.samples(), card.max_length).input_ids
    inputs = task.collate(rows, card.pad_id, max(len(row) for row in rows))
    wrapped = _Logits(model).eval()  # a wrapper is born in training mode, dropout and all
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), quiet():
        path = Path(folder) / "traced.onnx"
        warnings.filterwarnings("ignore", "Converting a tensor to a Python", Warning)
        warnings.filterwarnings("ignore", ".*legacy TorchScript", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        warnings.filterwarnings("ignore", "Exporting aten::index", UserWarning)
        torch.onnx.export(
            wrapped,
            tuple(torch.from_numpy(inputs[name]) for name in INPUTS),
            path,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in INPUTS}
            | {OUTPUT: {0: "batch", 1: "length"} if task.per_token else {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load_model(path)
