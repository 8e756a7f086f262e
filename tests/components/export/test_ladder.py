"""In: limits on a toy model. Out: which rung is served, and what is told of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from components.errors import TouchstoneError
from components.export import export, trial
from components.export.graph import to_graph
from components.export.int8 import Quantizer
from components.export.ladder import _choices
from components.export.sensitivity import _inputs, _logits, rank
from components.export.trial import BATCH, Held, try_bundle
from components.files import read_json
from components.inference import load_bundle, load_predictor
from components.inference.parity import Answered
from components.params import ExportParams
from components.records import read_examples

FIGURES = {
    "rung",
    "accepted",
    "reasons",
    "accuracy",
    "accuracy_loss",
    "broken_share",
    "batch_dependent",
    "disagreements",
    "p50_ms",
    "p95_ms",
    "size_bytes",
    "in_float",
}
MEGABYTE = 1_000_000


def params(*ladder: str, most: float = 1e-3, **accept: float | None) -> ExportParams:
    """The section with these rungs, and with limits that any graph holds but for those named."""
    anything = {
        "batch_dependent": 1000,
        "broken_share": 1.0,
        "accuracy_loss": 1.0,
        "latency_p95_ms": None,
        "size_mb": None,
    }
    return ExportParams.model_validate(
        {
            "ladder": list(ladder),
            "accept": anything | accept,
            "calibration_rows": 20,
            "max_logit_difference": most,
        }
    )


@pytest.fixture
def out(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tmp_path / "onnx", tmp_path / "int8", tmp_path / "parity.json"


def size(bundles: dict[str, Path], name: str) -> float:
    return (bundles[name] / "model.onnx").stat().st_size / MEGABYTE


def test_the_first_rung_that_holds_is_served_and_no_further_one_is_tried(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    export(params("fp32", "static"), 7, bundles["trained"], example_folder, *out)
    report = read_json(out[2])
    assert report["chosen"] == "fp32"
    assert [rung["rung"] for rung in report["ladder"]] == ["fp32"]
    assert set(report["ladder"][0]) == FIGURES
    assert load_bundle(out[1]).card.quantization == "fp32"
    assert (out[1] / "model.onnx").read_bytes() == (out[0] / "model.onnx").read_bytes()
    assert report["artifacts"]["int8"]["disagreements"] == 0


def test_a_rung_that_fails_is_recorded_with_its_reason_and_the_next_one_is_tried(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    between = (size(bundles, "int8") + size(bundles, "onnx")) / 2
    export(params("fp32", "static", size_mb=between), 7, bundles["trained"], example_folder, *out)
    first, second = read_json(out[2])["ladder"]
    assert (first["rung"], first["accepted"]) == ("fp32", False)
    assert first["reasons"] == [
        f"size_mb is {size(bundles, 'onnx'):.4g}, at most {between:g} is accepted"
    ]
    assert (second["rung"], second["accepted"], second["reasons"]) == ("static", True, [])
    assert second["size_bytes"] == (out[1] / "model.onnx").stat().st_size
    assert load_bundle(out[1]).card.quantization == "static"


def test_when_no_rung_holds_each_tells_why_and_nothing_appears(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    tight = params("static", "fp32", size_mb=0.001, latency_p95_ms=1e-6)
    with pytest.raises(TouchstoneError, match=r"no rung of export\.ladder") as error:
        export(tight, 7, bundles["trained"], example_folder, *out)
    static, fp32 = str(error.value).splitlines()[1:3]
    for name, line in (("static", static), ("fp32", fp32)):
        assert line.startswith(f"  {name}: latency_p95_ms is ")
        assert "at most 1e-06 is accepted; size_mb is " in line
    assert "size_mb: raise it, or choose a smaller encoder" in error.value.cure
    assert list(out[0].parent.iterdir()) == []


@pytest.fixture(scope="module")
def quantizer(
    trained_bundle: Path, example_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Quantizer:
    bundle = load_bundle(trained_bundle)
    rows = bundle.task.encode(
        bundle.tokenizer, read_examples(example_folder, "train"), 32
    ).input_ids
    inputs = [bundle.task.collate([row], 0, len(row)) for row in rows[:20]]
    return Quantizer(to_graph(bundle), lambda: inputs, tmp_path_factory.mktemp("ranges"))


def test_products_with_weights_and_tables_can_be_quantized(quantizer: Quantizer) -> None:
    # Six products in each of two layers, pooler and head, and three tables.
    assert len(quantizer.operators) == 2 * 6 + 2 + 3
    assert len(set(quantizer.operators)) == len(quantizer.operators)


def test_the_operator_that_disturbs_most_comes_first(
    quantizer: Quantizer, trained_bundle: Path, example_folder: Path
) -> None:
    examples = read_examples(example_folder, "validation")
    bundle = load_bundle(trained_bundle)
    order = rank(quantizer, bundle, examples)
    assert sorted(order) == sorted(quantizer.operators)
    inputs = _inputs(bundle, examples)
    exact = _logits(quantizer.model, inputs)
    first, last = (
        np.square(_logits(quantizer.static([n for n in order if n != one]), inputs) - exact).mean()
        for one in (order[0], order[-1])
    )
    assert first > last


def test_what_is_left_in_float_keeps_its_weight_and_reads_unrounded_values(
    quantizer: Quantizer,
) -> None:
    name = next(n for n in quantizer.operators if "layer.1/output/dense" in n)
    graph = quantizer.static([name]).graph
    made = {output: node.op_type for node in graph.node for output in node.output}
    inputs = {node.name: [made.get(i) for i in node.input] for node in graph.node}
    assert "DequantizeLinear" not in inputs[name]
    other = next(n for n in quantizer.operators if "layer.0/output/dense" in n)
    assert inputs[other][0] == "QuantizeLinear"


def test_mixed_leaves_ever_more_of_the_worst_in_float_but_at_most_half(
    quantizer: Quantizer, trained_bundle: Path, example_folder: Path
) -> None:
    examples = read_examples(example_folder, "validation")
    bundle = load_bundle(trained_bundle)
    held = Held(params("mixed"), examples, load_predictor(trained_bundle).logits(examples, 32))
    choices = list(_choices("mixed", bundle, quantizer, held))
    assert [len(choice) for choice in choices] == [1, 2, 4, 8]
    assert all(choices[-1][: len(choice)] == choice for choice in choices)
    assert list(_choices("static", bundle, quantizer, held)) == [[]]


def test_mixed_names_what_it_left_in_float(
    bundles: dict[str, Path], example_folder: Path, out: tuple[Path, Path, Path]
) -> None:
    report = export(params("mixed"), 7, bundles["trained"], example_folder, *out)
    assert report["chosen"] == "mixed"
    (left,) = report["ladder"][0]["in_float"]
    weights = {node.name: node.input for node in onnx.load(out[1] / "model.onnx").graph.node}
    assert not any("Dequantize" in name for name in weights[left])


@pytest.mark.parametrize("limit", ["broken_share", "accuracy_loss"])
def test_a_graph_that_answers_worse_than_torch_is_refused(
    bundles: dict[str, Path], example_folder: Path, limit: str
) -> None:
    texts = read_examples(example_folder, "validation")
    own = load_predictor(bundles["int8"]).logits(texts, BATCH)
    best = [int(row.argmax()) for row in own]
    labels = load_bundle(bundles["int8"]).task.labels
    strict = params("static", **{limit: 0})
    right = [{**e, "label": labels[i]} for e, i in zip(texts, best, strict=True)]
    assert try_bundle(bundles["int8"], Held(strict, right, own)).broken == ()
    wrong = [{**e, "label": labels[i - 1]} for e, i in zip(texts, best, strict=True)]
    torch = [np.eye(3)[i - 1] for i in best]
    found = try_bundle(bundles["int8"], Held(strict, wrong, torch))
    assert found.broken == (limit,)
    assert found.figures["reasons"] == [f"{limit} is 1, at most 0 is accepted"]


def test_a_graph_whose_answers_depend_on_the_batch_is_refused(
    bundles: dict[str, Path], example_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = read_examples(example_folder, "validation")
    predictor = load_predictor(bundles["int8"])
    own = predictor.logits(texts, BATCH)
    told = Answered(own, [3, 5], [1.0], predictor.bundle.task.decode(own))
    monkeypatch.setattr(trial, "answer", lambda *_: told)
    for most, broken in ((1, ("batch_dependent",)), (2, ())):
        held = Held(params("static", batch_dependent=most), texts, own)
        assert try_bundle(bundles["int8"], held).broken == broken


def test_fp32_must_stay_close_to_torch() -> None:
    measured = {
        "batch_dependent": 0,
        "broken_share": 0.0,
        "accuracy_loss": 0.0,
        "p95_ms": 1.0,
        "size_bytes": 1,
        "max_logit_difference": 0.1,
    }
    assert trial._reasons(measured, params("fp32"), "static") == {}
    assert list(trial._reasons(measured, params("fp32"), "fp32")) == ["max_logit_difference"]
