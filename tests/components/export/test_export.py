"""In: a trained toy model. Out: what its exported bundles are, and when none appears."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest

from components.errors import DataError, IntegrityError, TouchstoneError
from components.export import export
from components.export.export import calibration_examples
from components.export.parity import compare
from components.files import read_json, verify_manifest
from components.inference import load_bundle, load_predictor
from components.lineage import extend
from components.params import ExportParams
from components.records import read_examples, write_split
from components.schema import SPLITS

PARAMS = ExportParams(quantization="static", calibration_rows=20, max_logit_difference=1e-3)


@pytest.fixture
def out(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tmp_path / "onnx", tmp_path / "int8", tmp_path / "parity.json"


def test_the_same_input_gives_the_same_bytes(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    report = export(PARAMS, 7, bundles["trained"], example_folder, *out)
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
    assert report["fp32"]["max_logit_difference"] < 1e-4
    assert report["fp32"]["disagreements"] == 0
    assert report["int8"]["batch_dependent"] == 0
    assert 0 < report["int8"]["max_logit_difference"] < 0.5


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


def test_fp32_is_fused_and_int8_keeps_no_large_float_weight(bundles: dict[str, Path]) -> None:
    fused = onnx.load(bundles["onnx"] / "model.onnx")
    operators = Counter(node.op_type for node in fused.graph.node)
    assert operators["Attention"] == 2
    assert operators["SkipLayerNormalization"] == 4
    small = onnx.load(bundles["int8"] / "model.onnx")
    floats = [
        t
        for t in small.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT and np.prod(t.dims) > 200
    ]
    assert floats == []


def test_bundles_carry_the_trained_bundles_card(bundles: dict[str, Path]) -> None:
    trained, int8 = (load_bundle(bundles[name]).card for name in ("trained", "int8"))
    assert int8.artifact == "int8"
    own = {"artifact": "trained", "lineage": trained.lineage}
    assert int8.model_copy(update=own) == trained


def test_the_lineage_grows_by_what_the_export_was_made_with(bundles: dict[str, Path]) -> None:
    trained, onnx_, int8 = (
        load_bundle(bundles[name]).card.lineage for name in ("trained", "onnx", "int8")
    )
    assert onnx_ == int8
    assert int8["id"] != trained["id"]
    made_with = {"seed": 7, "export": PARAMS.model_dump(mode="json")}
    assert int8 == extend(trained, made_with)


def test_dynamic_quantization_alone_needs_no_training_texts(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path, out: tuple[Path, Path, Path]
) -> None:
    table = pa.Table.from_pylist(read_examples(example_folder, "validation"))
    for split, rows in zip(SPLITS, (0, 24, 0), strict=True):
        write_split(tmp_path / "examples", split, table.slice(0, rows))
    params = PARAMS.model_copy(update={"quantization": "dynamic"})
    export(params, 7, bundles["trained"], tmp_path / "examples", *out)
    operators = {node.op_type for node in onnx.load(out[1] / "model.onnx").graph.node}
    assert "DynamicQuantizeLinear" in operators
    with pytest.raises(DataError, match="training split is empty"):
        export(PARAMS, 7, bundles["trained"], tmp_path / "examples", *out)
    kept = {node.op_type for node in onnx.load(out[1] / "model.onnx").graph.node}
    assert kept == operators


def test_nothing_appears_when_fp32_is_too_far_from_torch(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    params = PARAMS.model_copy(update={"max_logit_difference": 1e-12, "quantization": "dynamic"})
    with pytest.raises(TouchstoneError, match=r"within 1e-12 of torch's .*found \d"):
        export(params, 7, bundles["trained"], example_folder, *out)
    assert list(out[0].parent.iterdir()) == []


def test_only_a_trained_bundle_is_exported(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    with pytest.raises(IntegrityError, match="holds a int8 bundle"):
        export(PARAMS, 7, bundles["int8"], example_folder, *out)


def test_without_validation_texts_nothing_can_be_compared(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path, out: tuple[Path, Path, Path]
) -> None:
    table = pa.Table.from_pylist(read_examples(example_folder, "validation"))
    write_split(tmp_path / "examples", "validation", table.slice(0, 0))
    with pytest.raises(DataError, match=r"validation\.parquet is empty"):
        export(PARAMS, 7, bundles["trained"], tmp_path / "examples", *out)


def test_calibration_texts_do_not_depend_on_row_order() -> None:
    rows = [{"id": f"row-{index}"} for index in range(50)]
    chosen = calibration_examples(rows, 10, seed=7)
    assert calibration_examples(rows[::-1], 10, seed=7) == chosen
    assert len({row["id"] for row in chosen}) == 10
    assert calibration_examples(rows, 10, seed=8) != chosen
    assert len(calibration_examples(rows, 100, seed=7)) == 50


def test_every_flip_is_listed_with_its_text(
    toy_bundle: Callable[..., Path], toy_data: Callable[..., Path], tmp_path: Path
) -> None:
    right = load_predictor(toy_bundle(tmp_path / "right"), 1)
    wrong = load_predictor(toy_bundle(tmp_path / "wrong", votes={"money": 2}), 1)
    examples = read_examples(toy_data(tmp_path / "data", rows=10), "validation")
    report = compare(right, right, wrong, examples)
    assert report["fp32"] == {"max_logit_difference": 0.0, "disagreements": 0}
    assert report["int8"]["disagreements"] == 2
    assert report["int8"]["max_logit_difference"] == 4.0
    assert report["int8"]["examples"][0] == {
        "id": "validation-1",
        "text": "please money <b>1</b>",
        "label": "refund",
        "torch": "refund",
        "int8": "login",
    }
    json.dumps(report, allow_nan=False)
