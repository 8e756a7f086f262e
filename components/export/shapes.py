"""In: a traced graph. Out: the same graph that copies batch and length instead of working them out.

Tracing writes each reshape as "look up the batch, look up the length, put them in front of these
numbers": four operators where ONNX has one number, 0, for "as many as the input has here". A single
request spends a tenth of its time on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import onnx
from onnx import numpy_helper

from components.export.rewrite import drop_unread

COPY: Final = 0
SUFFIX: Final = "_copied"
INT64: Final = onnx.TensorProto.INT64

Made = Mapping[str, onnx.NodeProto]


def copy_dimensions(model: onnx.ModelProto) -> None:
    """Write the shape of each reshape as constants, where it is one; others stay as they are.

    A dimension is copied when it was looked up at the same place of some activation: batch and
    length stand first in all of them. Whether that is so, the comparison with torch tells, which
    export makes on real texts of many lengths.

    Args:
        model: is altered.
    """
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] not in made:
            continue
        joined = made[node.input[1]]
        shape = _constant_shape(made, joined.input) if joined.op_type == "Concat" else None
        if shape is not None:
            name = f"{node.input[1]}{SUFFIX}"
            graph.initializer.append(onnx.helper.make_tensor(name, INT64, [len(shape)], shape))
            node.input[1] = name
    drop_unread(graph)


def _constant_shape(made: Made, parts: Sequence[str]) -> list[int] | None:
    shape = [_dimension(made, name, place) for place, name in enumerate(parts)]
    return None if None in shape else [part for part in shape if part is not None]


def _dimension(made: Made, name: str, place: int) -> int | None:
    """Return the number that stands for one dimension, or None where it is worked out."""
    node = made.get(name)
    if node is None:
        return None
    if node.op_type == "Constant":
        return _number(node) or None  # a 0 of its own would come to mean "copy"
    if node.op_type != "Unsqueeze" or node.input[0] not in made:
        return None
    picked = made[node.input[0]]
    if picked.op_type != "Gather" or made[picked.input[0]].op_type != "Shape":
        return None
    index = made.get(picked.input[1])
    same = index is not None and index.op_type == "Constant" and _number(index) == place
    return COPY if same else None


def _number(constant: onnx.NodeProto) -> int | None:
    value = numpy_helper.to_array(constant.attribute[0].t)
    return int(value.ravel()[0]) if value.size == 1 else None
