"""In: a trained toy model. Out: what its exported bundles are, and when none appears."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest

from components.errors import DataError, IntegrityError, TouchstoneError
from components.export import export
from components.export.export import calibration_examples
from components.files import read_json, verify_manifest
from components.inference import load_bundle
from components.lineage import extend
from components.params import ExportParams
from components.records import read_examples, write_split
from components.schema import SPLITS

ANYTHING = {
    "batch_dependent": 1000,
    "broken_share": 1.0,
    "accuracy_loss": 1.0,
    "latency_p95_ms": None,
    "size_mb": None,
}


def params(*ladder: str, most: float = 1e-3, **accept: float) -> ExportParams:
    """The section with these rungs, and with limits that any graph holds but for those named."""
    return ExportParams.model_validate(
        {
            "ladder": list(ladder),
            "accept": {**ANYTHING, "batch_dependent": 0, **accept},
            "calibration_rows": 20,
            "max_logit_difference": most,
        }
    )


STATIC = params("static")


@pytest.fixture
def out(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tmp_path / "onnx", tmp_path / "int8", tmp_path / "parity.json"


def test_the_same_input_gives_the_same_bytes(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    report = export(STATIC, 7, bundles["trained"], example_folder, *out)
    for folder in out[:2]:
        first, again = bundles[folder.name] / "model.onnx", folder / "model.onnx"
        assert first.read_bytes() == again.read_bytes()
        assert report["digests"][folder.name] == verify_manifest(bundles[folder.name])
        assert report["size_bytes"][folder.name] == again.stat().st_size
    written = read_json(out[2])
    assert written == {key: report[key] for key in written}


def test_fp32_answers_like_torch_on_texts_that_were_not_traced(bundles: dict[str, Path]) -> None:
    report = read_json(bundles["onnx"].with_name("parity.json"))
    assert report["rows"] == 24
    fp32, int8 = report["artifacts"]["onnx"], report["artifacts"]["int8"]
    assert fp32["max_logit_difference"] < 1e-4
    assert fp32["disagreements"] == 0
    assert int8["batch_dependent"] == 0
    assert 0 < int8["max_logit_difference"] < 0.5


def test_graphs_are_single_files_with_two_inputs_and_dynamic_axes(
    bundles: dict[str, Path],
) -> None:
    for name in ("onnx", "int8"):
        model = onnx.load(bundles[name] / "model.onnx", load_external_data=False)
        shapes = {
            node.name: [d.dim_param or d.dim_value for d in node.type.tensor_type.shape.dim]
            for node in [*model.graph.input, *model.graph.output]
        }
        assert shapes["input_ids"] == shapes["attention_mask"] == ["batch", "length"]
        assert shapes["logits"] == ["batch", 3]
        assert len(shapes) == 3
        lineage = load_bundle(bundles[name]).card.lineage["id"]
        assert [(p.key, p.value) for p in model.metadata_props] == [("lineage", lineage)]
        assert not any(t.data_location for t in model.graph.initializer)


def test_int8_keeps_no_large_float_weight(bundles: dict[str, Path]) -> None:
    small = onnx.load(bundles["int8"] / "model.onnx")
    floats = [
        t
        for t in small.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT and np.prod(t.dims) > 200
    ]
    assert floats == []


def test_int8_rounds_only_what_products_with_weights_read(bundles: dict[str, Path]) -> None:
    graph = onnx.load(bundles["int8"] / "model.onnx").graph
    made = {name: node for node in graph.node for name in node.output}
    readers = Counter(
        node.op_type
        for node in graph.node
        for name in node.input
        if name in made and made[name].op_type == "DequantizeLinear"
    )
    # Three tables, whose rows are summed up; residual sums and attention read floats.
    assert readers["Gather"] == readers["Add"] == 3
    assert set(readers) == {"Gemm", "Gather", "Add"}
    operators = Counter(node.op_type for node in graph.node)
    # Per layer attention is one operator, with three products of an activation and a weight in it;
    # three more stand alone and add their bias themselves.
    assert operators["QAttention"] == 2
    assert operators["MatMulIntegerToFloat"] == 2 * 3
    assert operators["MatMul"] == 0
    assert all(
        len(node.input) == 7 for node in graph.node if node.op_type == "MatMulIntegerToFloat"
    )


def test_bundles_carry_the_trained_bundles_card(bundles: dict[str, Path]) -> None:
    trained, int8 = (load_bundle(bundles[name]).card for name in ("trained", "int8"))
    assert int8.artifact == "int8"
    assert int8.quantization == "static"
    assert load_bundle(bundles["onnx"]).card.quantization is None
    own = {
        "artifact": "trained",
        "quantization": None,
        "format": trained.format,
        "lineage": trained.lineage,
    }
    assert int8.model_copy(update=own) == trained


def test_the_lineage_grows_by_what_the_export_was_made_with(bundles: dict[str, Path]) -> None:
    trained, onnx_, int8 = (
        load_bundle(bundles[name]).card.lineage for name in ("trained", "onnx", "int8")
    )
    assert onnx_ == int8
    assert int8["id"] != trained["id"]
    made_with = {"seed": 7, "export": STATIC.model_dump(mode="json")}
    assert int8 == extend(trained, made_with)


def test_dynamic_quantization_alone_needs_no_training_texts(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path, out: tuple[Path, Path, Path]
) -> None:
    table = pa.Table.from_pylist(read_examples(example_folder, "validation"))
    for split, rows in zip(SPLITS, (0, 24, 0), strict=True):
        write_split(tmp_path / "examples", split, table.slice(0, rows))
    dynamic = params("dynamic", batch_dependent=24)
    export(dynamic, 7, bundles["trained"], tmp_path / "examples", *out)
    operators = {node.op_type for node in onnx.load(out[1] / "model.onnx").graph.node}
    assert "DynamicQuantizeLinear" in operators
    with pytest.raises(DataError, match="training split is empty"):
        export(STATIC, 7, bundles["trained"], tmp_path / "examples", *out)
    kept = {node.op_type for node in onnx.load(out[1] / "model.onnx").graph.node}
    assert kept == operators


def test_nothing_appears_when_fp32_is_too_far_from_torch(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    strict = params("dynamic", most=1e-12)
    with pytest.raises(TouchstoneError, match=r"within 1e-12 of torch's .*found \d"):
        export(strict, 7, bundles["trained"], example_folder, *out)
    assert list(out[0].parent.iterdir()) == []


def test_only_a_trained_bundle_is_exported(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    with pytest.raises(IntegrityError, match="holds a int8 bundle"):
        export(STATIC, 7, bundles["int8"], example_folder, *out)


def test_without_validation_texts_nothing_can_be_compared(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path, out: tuple[Path, Path, Path]
) -> None:
    table = pa.Table.from_pylist(read_examples(example_folder, "validation"))
    write_split(tmp_path / "examples", "validation", table.slice(0, 0))
    with pytest.raises(DataError, match=r"validation\.parquet is empty"):
        export(STATIC, 7, bundles["trained"], tmp_path / "examples", *out)


def test_calibration_texts_do_not_depend_on_row_order() -> None:
    rows = [{"id": f"row-{index}"} for index in range(50)]
    chosen = calibration_examples(rows, 10, seed=7)
    assert calibration_examples(rows[::-1], 10, seed=7) == chosen
    assert len({row["id"] for row in chosen}) == 10
    assert calibration_examples(rows, 10, seed=8) != chosen
    assert len(calibration_examples(rows, 100, seed=7)) == 50
