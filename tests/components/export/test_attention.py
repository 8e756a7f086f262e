"""In: attention over int8 products, as the quantizer leaves it. Out: one operator, or no change."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from components.export.attention import fuse_attention
from components.export.rewrite import CONTRIB, INT8_PRODUCT

WIDTH, SIZE = 8, 4
MASKS = np.array([[1, 1, 1], [1, 1, 0]], dtype=np.int64)
USUAL = {"scale": SIZE**-0.5, "heads": (0, 2, 1, 3), "other": False}


def constants() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {
        "split": np.array([0, 0, -1, SIZE]),
        "join": np.array([0, 0, -1]),
        "axes": np.array([1, 2]),
        "scale": np.array(0.05, dtype=np.float32),
        "zero": np.array(120, dtype=np.uint8),
        "one": np.array(1, dtype=np.float32),
        "lowest": np.array(np.finfo(np.float32).min),
        "weight_zero": np.zeros((), dtype=np.int8),
    }
    for side in "qkv":
        found[f"{side}_weight"] = generator.integers(-90, 90, (WIDTH, WIDTH)).astype(np.int8)
        found[f"{side}_scale"] = generator.uniform(0.01, 0.03, WIDTH).astype(np.float32)
        found[f"{side}_bias"] = generator.normal(size=WIDTH).astype(np.float32)
    return found


def attention(scale: float, heads: tuple[int, ...], other: bool) -> onnx.ModelProto:
    """Return x (batch, length, 8) in uint8 to y of the same shape, hidden by the mask."""
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["seen", "axes"], ["rows"]),
        helper.make_node("Sub", ["one", "rows"], ["gone"]),
        helper.make_node("Mul", ["gone", "lowest"], ["hidden"]),
    ]
    if other:
        nodes += [helper.make_node("Add", ["hidden", "bias"], ["biased"])]
    for side, order in (("q", heads), ("k", (0, 2, 3, 1)), ("v", heads)):
        inputs = ["x", f"{side}_weight", "scale", f"{side}_scale", "zero", "weight_zero"]
        nodes += [
            helper.make_node(INT8_PRODUCT, [*inputs, f"{side}_bias"], [side], domain=CONTRIB),
            helper.make_node("Reshape", [side, "split"], [f"{side}_split"]),
            helper.make_node("Transpose", [f"{side}_split"], [f"{side}_heads"], perm=order),
        ]
    nodes += [
        helper.make_node("MatMul", ["q_heads", "k_heads"], ["scores"]),
        helper.make_node("Mul", ["scores", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "biased" if other else "hidden"], ["masked"]),
        helper.make_node("Softmax", ["masked"], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "v_heads"], ["weighed"]),
        helper.make_node("Transpose", ["weighed"], ["turned"], perm=(0, 2, 1, 3)),
        helper.make_node("Reshape", ["turned", "join"], ["y"]),
    ]
    known = constants() | {"factor": np.array(scale, dtype=np.float32)}
    shapes = {"x": (TensorProto.UINT8, ["batch", "length", WIDTH])}
    shapes["attention_mask"] = (TensorProto.INT64, ["batch", "length"])
    if other:
        shapes["bias"] = (TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info(name, *shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None, WIDTH])],
        [numpy_helper.from_array(value, name) for name, value in known.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def run(model: onnx.ModelProto, length: int = 3) -> np.ndarray:
    x = np.random.default_rng(1).integers(0, 255, (2, 3, WIDTH)).astype(np.uint8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    inputs = {"x": x[:, :length], "attention_mask": MASKS[:, :length]}
    return np.asarray(session.run(None, inputs)[0])


@pytest.mark.parametrize("length", [1, 2, 3])
def test_one_operator_gives_the_answers_of_many(length: int) -> None:
    before, after = attention(**USUAL), attention(**USUAL)
    fuse_attention(after)
    assert Counter(node.op_type for node in after.graph.node) == {"Cast": 1, "QAttention": 1}
    np.testing.assert_allclose(run(before, length), run(after, length), rtol=1e-5, atol=1e-5)


def test_what_is_hidden_changes_nothing() -> None:
    model = attention(**USUAL)
    fuse_attention(model)
    np.testing.assert_allclose(run(model)[1, :2], run(model, 2)[1], rtol=1e-6)


def test_constants_that_were_joined_are_not_kept_twice() -> None:
    model = attention(**USUAL)
    before = model.ByteSize()
    fuse_attention(model)
    assert model.ByteSize() < before


@pytest.mark.parametrize(
    "form", [{"scale": 0.3}, {"heads": (0, 2, 3, 1)}, {"other": True}], ids=str
)
def test_attention_of_another_form_stays(form: dict[str, object]) -> None:
    model = attention(**(USUAL | form))
    nodes = list(model.graph.node)
    fuse_attention(model)
    assert list(model.graph.node) == nodes
