"""In: a graph and texts. Out: its operators, those first that quantizing alone disturbs most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import onnx

from components.export.int8 import Quantizer
from components.inference.bundle import Bundle
from components.inference.onnx import OUTPUT, open_session
from components.inference.predictor import batches, default_threads
from components.tasks.base import Array, Example

TEXTS: Final = 64
BATCH: Final = 32


def rank(quantizer: Quantizer, bundle: Bundle, examples: Sequence[Example]) -> list[str]:
    """Order the operators by the mean squared change of the logits when each alone is quantized.

    Args:
        quantizer: of the graph.
        bundle: whose tokenizer reads the texts.
        examples: of which at most 64 are read, evenly over all of them.
    """
    count = min(TEXTS, len(examples))
    chosen = [examples[index * len(examples) // count] for index in range(count)]
    inputs = _inputs(bundle, chosen)
    reference = _logits(quantizer.model, inputs)
    changes = {}
    for name in quantizer.operators:
        others = [other for other in quantizer.operators if other != name]
        found = _logits(quantizer.static(others), inputs)
        changes[name] = float(np.square(found - reference).mean())
    return sorted(changes, key=lambda name: -changes[name])


def _inputs(bundle: Bundle, examples: Sequence[Example]) -> list[Mapping[str, Array]]:
    card, task = bundle.card, bundle.task
    rows = task.encode(bundle.tokenizer, examples, card.max_length).input_ids
    lengths = [len(row) for row in rows]
    return [
        task.collate([rows[index] for index in batch], card.pad_id, lengths[batch[-1]])
        for batch in batches(lengths, BATCH)
    ]


def _logits(model: onnx.ModelProto, inputs: Sequence[Mapping[str, Array]]) -> Array:
    session = open_session(model.SerializeToString(), default_threads())
    return np.concatenate([session.run([OUTPUT], dict(batch))[0].ravel() for batch in inputs])
