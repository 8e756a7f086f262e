"""In: a bundle with a graph. Out: its logits, by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import onnxruntime

from components.errors import IntegrityError
from components.inference.bundle import GRAPH, REMAKE, Bundle
from components.tasks.base import Array

INPUTS: Final = ("input_ids", "attention_mask")
OUTPUT: Final = "logits"
LINEAGE: Final = "lineage"
ERRORS_ONLY: Final = 3
# Their kernels are slower than what they stand for: measured on Banking77 at batch 32, six
# SkipLayerNormalization take 6 ms, the same Add and LayerNormalization 1; BiasGelu 7, the others 5.
SLOW_FUSIONS: Final = ("SkipLayerNormFusion", "BiasGeluFusion")


class OnnxForward:
    """The graph of a bundle as a function.

    Args:
        bundle: the verified folder.
        threads: per batch.

    Raises:
        IntegrityError: the graph cannot be opened, or its inputs, its output or its lineage are
            not the bundle's.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        path = bundle.folder / GRAPH
        self._session = open_session(str(path), threads)
        inputs = tuple(node.name for node in self._session.get_inputs())
        outputs = [(node.name, node.shape[-1]) for node in self._session.get_outputs()]
        lineage = self._session.get_modelmeta().custom_metadata_map.get(LINEAGE)
        _same(f"{path}: inputs", INPUTS, inputs)
        # Without outputs of its own, a task takes vectors as wide as the encoder makes them.
        width = len(bundle.task.outputs) or next((w for _, w in outputs if isinstance(w, int)), 0)
        _same(f"{path}: output and labels", [(OUTPUT, width)], outputs)
        _same(f"{path}: lineage", bundle.card.lineage.get("id"), lineage)

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """Return logits, (batch, outputs) or (batch, length, outputs) float32."""
        return cast(Array, self._session.run([OUTPUT], dict(inputs))[0])


def open_session(graph: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    """Open a graph, by its path or its bytes.

    Raises:
        IntegrityError: onnxruntime cannot read or run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.use_deterministic_compute = True
    # Threads wait for the next operator in a busy loop, since waking them takes a fifth of a single
    # request, but never for the next request: that triples the latency where cores are shared.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(
            graph,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=list(SLOW_FUSIONS),
        )
    except Exception as error:  # onnxruntime's own exceptions share no other base
        name = graph if isinstance(graph, str) else "the graph"
        raise IntegrityError(f"{name} cannot be opened: {error}", REMAKE) from error


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise IntegrityError(f"{what}: expected {expected!r}, found {found!r}", REMAKE)
