"""In: a graph as the quantizer leaves it. Out: the same sums, more exact and in fewer steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

import onnx

CONTRIB: Final = "com.microsoft"  # onnxruntime's own operators
INT8_PRODUCT: Final = "MatMulIntegerToFloat"
ROUNDED: Final = "DequantizeLinear"
LOOKUP: Final = "Gather"

Made = Mapping[str, onnx.NodeProto]


def float_elsewhere(model: onnx.ModelProto, quantized: Collection[str]) -> None:
    """Give the operators that compute in float the activations as they were before rounding.

    The quantizer hands the rounded ones to every reader: also to the residual sums, where the
    errors add up from layer to layer. What a look-up found is kept, or whole tables would turn
    into floats at each call.

    Args:
        model: is altered.
        quantized: names of the operators that compute in int8.
    """
    made = _made(model)
    for node in model.graph.node:
        if node.name in quantized:
            continue
        for place, name in enumerate(node.input):
            rounded = made.get(made[name].input[0]) if _is(made, name, ROUNDED) else None
            if rounded is not None and not _is(made, rounded.input[0], LOOKUP):
                node.input[place] = rounded.input[0]


def add_biases(model: onnx.ModelProto) -> None:
    """Let each int8 product add its bias itself: a tenth less time, alone and in batches.

    onnxruntime would make the same operator at load, but leave the bias out of it.

    Args:
        model: is altered.
    """
    made, graph = _made(model), model.graph
    known = _vectors(graph)
    readers = Counter(name for node in graph.node for name in node.input)
    for add in graph.node:
        if add.op_type != "Add":
            continue
        products = [name for name in add.input if _is_int8_product(made, name)]
        biases = [name for name in add.input if name in known]
        if len(products) == len(biases) == 1 and readers[products[0]] == 1:
            add.CopyFrom(_with_bias(made, products[0], biases[0], add.output[0]))
    drop_unread(graph)
    if all(entry.domain != CONTRIB for entry in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(CONTRIB, 1))


def _with_bias(made: Made, product: str, bias: str, output: str) -> onnx.NodeProto:
    left, right = (made[name].input for name in made[product].input)
    inputs = [name for pair in zip(left, right, strict=True) for name in pair]
    return onnx.helper.make_node(
        INT8_PRODUCT, [*inputs, bias], [output], made[product].name, domain=CONTRIB
    )


def _vectors(graph: onnx.GraphProto) -> set[str]:
    """Name the constant vectors; the exporter keeps equal ones once, the others as Identity."""
    found = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 1}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in found:
            found.add(node.output[0])
    return found


def drop_unread(graph: onnx.GraphProto) -> None:
    """Remove the operators and constants that nobody reads any more, last operators first."""
    read = Counter(name for node in graph.node for name in node.input)
    read.update(output.name for output in graph.output)
    for node in reversed(list(graph.node)):
        if not any(read[name] for name in node.output):
            read.subtract(node.input)
            graph.node.remove(node)
    for tensor in reversed(list(graph.initializer)):
        if not read[tensor.name]:
            graph.initializer.remove(tensor)


def _made(model: onnx.ModelProto) -> Made:
    return {name: node for node in model.graph.node for name in node.output}


def _is(made: Made, name: str, operator: str) -> bool:
    return name in made and made[name].op_type == operator


def _is_int8_product(made: Made, name: str) -> bool:
    return _is(made, name, "MatMul") and all(_is(made, i, ROUNDED) for i in made[name].input)
