"""In: small graphs as the quantizer leaves them. Out: the same sums from fewer operators."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from components.export.rewrite import add_biases, float_elsewhere
from components.inference.onnx import open_session
from components.tasks.base import Array

WEIGHT = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
CONSTANTS = {
    "scale": np.float32(0.05),
    "zero": np.uint8(128),
    "weight": WEIGHT,
    "weight_scale": np.array([0.1, 0.2, 0.3], dtype=np.float32),
    "weight_zero": np.zeros(3, dtype=np.int8),
    "bias": np.array([1.0, -2.0, 3.0], dtype=np.float32),
    "table": np.ones((2, 3), dtype=np.float32),
}


def graph(term: str, *more: onnx.NodeProto) -> onnx.ModelProto:
    """An int8 product of x, (2, 4), to whose outcome `term` is added."""
    nodes = [
        helper.make_node("Identity", ["bias"], ["same"]),
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["x_int8"]),
        helper.make_node("DequantizeLinear", ["x_int8", "scale", "zero"], ["x_rounded"]),
        helper.make_node(
            "DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["weight_float"], axis=1
        ),
        helper.make_node("MatMul", ["x_rounded", "weight_float"], ["product"], "product"),
        helper.make_node("Add", ["product", term], ["y"], "sum"),
        *more,
    ]
    value = helper.make_tensor_value_info
    model = helper.make_graph(
        nodes,
        "toy",
        [value("x", TensorProto.FLOAT, [2, 4])],
        [value(name, TensorProto.FLOAT, None) for name in ("y", *(n.output[0] for n in more))],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in CONSTANTS.items()],
    )
    return helper.make_model(model, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto) -> list[Array]:
    x = np.linspace(-5, 5, 8, dtype=np.float32).reshape(2, 4)
    return list(open_session(model.SerializeToString(), 1).run(None, {"x": x}))


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("term", ["bias", "same"])
def test_a_product_that_adds_its_bias_gives_the_same_sums(term: str) -> None:
    model = graph(term)
    before = run(model)[0]
    add_biases(model)
    assert operators(model)[-2:] == ["QuantizeLinear", "MatMulIntegerToFloat"]
    assert model.graph.node[-1].name == "product"
    np.testing.assert_allclose(run(model)[0], before, rtol=1e-6)


def test_only_a_vector_is_a_bias() -> None:
    model = graph("table")
    add_biases(model)
    assert "MatMulIntegerToFloat" not in operators(model)


def test_a_product_that_others_read_as_well_keeps_its_outcome() -> None:
    model = graph("bias", helper.make_node("Tanh", ["product"], ["z"]))
    before = run(model)
    add_biases(model)
    assert "MatMul" in operators(model)
    np.testing.assert_array_equal(run(model)[1], before[1])


def test_a_float_operator_reads_what_was_not_rounded() -> None:
    model = graph("bias", helper.make_node("Neg", ["x_rounded"], ["z"], "negative"))
    float_elsewhere(model, {"product"})
    inputs = {node.name: list(node.input) for node in model.graph.node}
    assert inputs["negative"] == ["x"]
    assert inputs["product"] == ["x_rounded", "weight_float"]


def test_rows_of_a_table_stay_as_they_were_found() -> None:
    model = graph(
        "bias",
        helper.make_node("Gather", ["weight_float", "row"], ["found"], axis=0),
        helper.make_node("QuantizeLinear", ["found", "scale", "zero"], ["found_int8"]),
        helper.make_node("DequantizeLinear", ["found_int8", "scale", "zero"], ["found_rounded"]),
        helper.make_node("Neg", ["found_rounded"], ["z"], "negative"),
    )
    float_elsewhere(model, {"product"})
    assert list(model.graph.node[-1].input) == ["found_rounded"]
