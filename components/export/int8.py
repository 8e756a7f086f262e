"""In: a float graph and calibration inputs. Out: the same graph computing in int8."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
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

from components.export.graph import quiet
from components.tasks.base import Array

OPERATORS: Final = ("MatMul", "Gemm", "Gather")
OPTIONS: Final = {
    "DefaultTensorType": onnx.TensorProto.FLOAT,
    # Only products with weights; attention scores stay in float, where they cost next to nothing.
    "MatMulConstBOnly": True,
    # Products leave in float: a third of the error of rounding them again, and not slower.
    "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"],
}


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Calibration inputs, one text at a time, so that padding sets no range."""

    def __init__(self, inputs: Iterable[Mapping[str, Array]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, Array] | None:
        """Return the next inputs by name, or None at the end."""
        found = next(self._inputs, None)
        return None if found is None else dict(found)


def static_int8(model: onnx.ModelProto, inputs: Iterable[Mapping[str, Array]]) -> onnx.ModelProto:
    """Quantize with ranges fixed by calibration: answers do not depend on the rest of a batch.

    Activations are uint8 over their smallest and largest value, weights int8 per channel.
    """
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder) / "int8.onnx"
        quantize_static(
            _copy(model),
            path,
            _Reader(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=dict(OPTIONS),
        )
        return onnx.load_model(path)


def dynamic_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Quantize with ranges taken from each batch: no calibration, but the batch matters."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            _copy(model),
            path,
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
        return onnx.load_model(path)


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph that the quantizer may alter, without shapes it would trip over."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    return copy
