"""In: reshapes as tracing writes them. Out: copied dimensions, where that is the same."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from components.export.shapes import copy_dimensions


def traced(second: int) -> onnx.ModelProto:
    """Return x (batch, length, 8) -> (batch, dimension `second` of x, -1, 4), as tracing does."""

    def constant(name: str, value: object) -> onnx.NodeProto:
        tensor = numpy_helper.from_array(np.array(value, dtype=np.int64))
        return helper.make_node("Constant", [], [name], value=tensor)

    nodes = [helper.make_node("Shape", ["x"], ["shape"]), constant("axes", [0])]
    for place, index in enumerate((0, second)):
        nodes += [
            constant(f"index{place}", index),
            helper.make_node("Gather", ["shape", f"index{place}"], [f"size{place}"]),
            helper.make_node("Unsqueeze", [f"size{place}", "axes"], [f"part{place}"]),
        ]
    nodes += [
        constant("rest", [-1]),
        constant("four", [4]),
        helper.make_node("Concat", ["part0", "part1", "rest", "four"], ["to"], axis=0),
        helper.make_node("Reshape", ["x", "to"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "traced",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None, None, None])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, batch: int, length: int) -> np.ndarray:
    x = np.arange(batch * length * 8, dtype=np.float32).reshape(batch, length, 8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize(("batch", "length"), [(1, 5), (3, 2)])
def test_batch_and_length_are_copied_and_nothing_is_looked_up(batch: int, length: int) -> None:
    before, after = traced(1), traced(1)
    copy_dimensions(after)
    np.testing.assert_array_equal(run(before, batch, length), run(after, batch, length))
    assert Counter(node.op_type for node in after.graph.node) == {"Reshape": 1}


def test_a_dimension_that_was_looked_up_elsewhere_stays_worked_out() -> None:
    model = traced(0)
    before = model.SerializeToString()
    copy_dimensions(model)
    assert model.SerializeToString() == before
