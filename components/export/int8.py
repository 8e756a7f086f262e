"""In: a float graph and calibration inputs. Out: the same graph computing in int8."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from components.export.attention import fuse_attention
from components.export.graph import quiet
from components.export.rewrite import LOOKUP, add_biases, float_elsewhere
from components.tasks.base import Array

Inputs = Iterable[Mapping[str, Array]]

PRODUCTS: Final = ("MatMul", "Gemm")
OPERATORS: Final = (*PRODUCTS, LOOKUP)
OPTIONS: Final = {
    "DefaultTensorType": onnx.TensorProto.FLOAT,
    "MatMulConstBOnly": True,
    # Products leave in float: a third of the error of rounding them again, and not slower.
    "OpTypesToExcludeOutputQuantization": list(PRODUCTS),
}


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Calibration inputs, one text at a time, so that padding sets no range."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, Array] | None:
        """Return the next inputs by name, or None at the end."""
        found = next(self._inputs, None)
        return None if found is None else dict(found)


class Quantizer:
    """One float graph, quantized in several ways, calibrated once and only when needed.

    Args:
        model: the graph, in standard operators.
        inputs: makes the calibration inputs, one text each.
        folder: keeps the calibrated ranges.

    Attributes:
        model: the graph, which stays as it is.
        operators: names of those that can compute in int8.
    """

    def __init__(self, model: onnx.ModelProto, inputs: Callable[[], Inputs], folder: Path) -> None:
        self.model = model
        self._inputs = inputs
        self._ranges = folder / "ranges.json"
        self.operators = _quantizable(model)

    def dynamic(self) -> onnx.ModelProto:
        """Quantize with ranges taken from each batch: no calibration, but the batch matters."""
        with tempfile.TemporaryDirectory() as folder, quiet():
            path = Path(folder) / "int8.onnx"
            quantize_dynamic(
                _copy(self.model),
                path,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_quantize=list(self.operators),
                per_channel=True,
                weight_type=QuantType.QInt8,
                extra_options={
                    "DefaultTensorType": onnx.TensorProto.FLOAT,
                    "MatMulConstBOnly": True,
                },
            )
            return onnx.load_model(path)

    def static(self, in_float: Collection[str] = ()) -> onnx.ModelProto:
        """Quantize with ranges fixed by calibration: answers do not depend on the rest of a batch.

        Activations are uint8 over their smallest and largest value, weights int8 per channel.

        Args:
            in_float: names of operators that are left as they are, not all of them.
        """
        chosen = [name for name in self.operators if name not in in_float]
        reader = None if self._ranges.exists() else _Reader(self._inputs())
        with tempfile.TemporaryDirectory() as folder, quiet():
            path = Path(folder) / "int8.onnx"
            quantize_static(
                _copy(self.model),
                path,
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                # Products of two activations are left out: attention costs next to nothing.
                nodes_to_quantize=chosen,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                calibration_cache_path=self._ranges,
                extra_options=dict(OPTIONS),
            )
            model = onnx.load_model(path)
        float_elsewhere(model, chosen)
        add_biases(model)
        fuse_attention(model)
        return model


def _quantizable(model: onnx.ModelProto) -> tuple[str, ...]:
    """Name the products with a weight and the look-ups in a table of floats."""
    floats = {t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT}
    return tuple(
        node.name
        for node in model.graph.node
        if (node.op_type in PRODUCTS and node.input[1] in floats)
        or (node.op_type == LOOKUP and node.input[0] in floats)
    )


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph that the quantizer may alter, without shapes it would trip over."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    return copy
