"""In: toy bundles and a test split. Out: what the reports say, and when there are none."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataError, IntegrityError
from components.evaluation import evaluate
from components.evaluation.pictures import draw_confusion, draw_reliability
from components.evaluation.speed import latency, spread
from components.files import read_json, sha256_file, verify_manifest
from components.inference import load_bundle, load_predictor
from components.params import EvaluationParams
from components.records import read_examples, write_split

PARAMS = EvaluationParams(
    batch_size=8, calibration_bins=10, min_slice_rows=10, latency_requests=12, throughput_batches=2
)
MAKE = Callable[..., Path]


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_all_artifacts_are_measured_alike(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "evaluation"
    reports = evaluate(PARAMS, ["channel", "segment"], bundles, example_folder, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "confusion.png",
        "int8.json",
        "onnx.json",
        "predictions.parquet",
        "reliability.png",
        "trained.json",
    ]
    for artifact, report in reports.items():
        assert read_json(out / f"{artifact}.json") == report
        assert report["artifact"] == artifact
        assert report["digest"] == verify_manifest(bundles[artifact])
        assert report["data"] == sha256_file(example_folder / "test.parquet")
        assert sum(map(sum, report["confusion"])) == report["rows"] == 40
        assert 0 < report["latency"]["p50_ms"] <= report["latency"]["p95_ms"]
        assert report["throughput_per_second"] > 0
        values = [(s["column"], s["value"], s["rows"]) for s in report["slices"]]
        assert values == [
            ("channel", "chat", 20),
            ("channel", "mail", 20),
            ("segment", "(missing)", 36),
            ("segment", "rare", 4),
        ]
        assert report["slices"][3]["metrics"] is None
    assert reports["trained"]["metrics"] == reports["onnx"]["metrics"]
    sizes = [(bundles[name] / "model.onnx").stat().st_size for name in ("onnx", "int8")]
    assert [reports[name]["size_bytes"] for name in ("onnx", "int8")] == sizes


def test_predictions_give_the_metrics_again(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "evaluation"
    reports = evaluate(PARAMS, [], bundles, example_folder, out)
    table = pq.read_table(out / "predictions.parquet").to_pylist()
    assert len(table) == 3 * 40
    for artifact, report in reports.items():
        rows = [row for row in table if row["artifact"] == artifact]
        share = np.mean([row["label"] == row["answer"] for row in rows])
        assert share == pytest.approx(report["metrics"]["accuracy"])
        assert all(1 / 3 <= row["score"] <= 1 for row in rows)


def test_a_perfect_model_is_perfect_everywhere(
    toy_bundle: MAKE, toy_data: MAKE, tmp_path: Path
) -> None:
    models = {"onnx": toy_bundle(tmp_path / "perfect", strength=50.0)}
    data = toy_data(tmp_path / "data", rows=40)
    report = evaluate(PARAMS, ["channel"], models, data, tmp_path / "out")["onnx"]
    assert report["metrics"] == {"accuracy": 1.0, "macro_f1": 1.0}
    assert report["calibration"]["error"] == pytest.approx(0, abs=1e-9)
    assert all(row["f1"] == 1 for row in report["labels"])
    assert all(s["metrics"]["accuracy"] == 1 for s in report["slices"])
    assert np.count_nonzero(report["confusion"]) == 3
    assert (tmp_path / "out" / "confusion.png").exists()


def test_what_follows_from_the_answers_is_the_same_on_each_run(
    toy_bundle: MAKE, toy_data: MAKE, tmp_path: Path
) -> None:
    models = {"int8": toy_bundle(tmp_path / "int8")}
    data = toy_data(tmp_path / "data", rows=30, wrong=0.3)
    runs = [evaluate(PARAMS, [], models, data, tmp_path / str(n))["int8"] for n in range(2)]
    for report in runs:
        del report["latency"], report["throughput_per_second"]
    assert runs[0] == runs[1]
    for name in ("predictions.parquet", "confusion.png", "reliability.png"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_an_empty_test_split_ends_the_run(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path
) -> None:
    table = pa.Table.from_pylist(read_examples(example_folder, "test"))
    write_split(tmp_path / "data", "test", table.slice(0, 0))
    with pytest.raises(DataError, match=r"test\.parquet is empty"):
        evaluate(PARAMS, [], bundles, tmp_path / "data", tmp_path / "out")


def test_a_label_that_the_model_does_not_know_ends_the_run(
    toy_bundle: MAKE, toy_data: MAKE, tmp_path: Path
) -> None:
    models = {"int8": toy_bundle(tmp_path / "int8", labels=("track", "refund", "signup"))}
    with pytest.raises(DataError, match="example test-2: unknown_label: 'login'"):
        evaluate(PARAMS, [], models, toy_data(tmp_path / "data"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_altered_bundle_is_not_measured(
    toy_bundle: MAKE, toy_data: MAKE, tmp_path: Path
) -> None:
    folder = toy_bundle(tmp_path / "int8")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"tokenizer\.json was altered"):
        evaluate(PARAMS, [], {"int8": folder}, toy_data(tmp_path / "data"), tmp_path / "out")


def test_latency_percentiles_are_of_single_requests(
    toy_bundle: MAKE, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    predictor = load_predictor(toy_bundle(tmp_path / "int8"), 1)
    # Ten requests of 1 ms and ten of 3 ms, by a clock that the test owns.
    ticks = iter([t for n in range(20) for t in (n, n + (0.001 if n % 2 else 0.003))])
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    found = latency(predictor, [{"text": "money"}], 20)
    assert found == {"requests": 20, "p50_ms": pytest.approx(2), "p95_ms": pytest.approx(3)}


def test_timed_texts_are_spread_over_the_whole_split() -> None:
    examples = [{"id": index} for index in range(10)]
    assert [e["id"] for e in spread(examples, 5)] == [0, 2, 4, 6, 8]
    assert [e["id"] for e in spread(examples[:2], 4)] == [0, 0, 1, 1]


def test_pictures_take_many_labels_and_any_name(tmp_path: Path) -> None:
    many = np.eye(77, dtype=int) * 40 + np.eye(77, k=3, dtype=int)
    draw_confusion(
        many, [f"a_rather_long_label_{n}" for n in range(77)], "many", tmp_path / "a.png"
    )
    draw_confusion(np.eye(2), ["$cost$ 東京", "x" * 40], "two", tmp_path / "b.png")
    bins = {"error": 0.0, "bins": [{"low": 0, "high": 1, "rows": 0, "confidence": None}]}
    draw_reliability({"int8": bins}, "int8", tmp_path / "c.png")
    assert min(png_size(tmp_path / "a.png")) > 77 * 15
    assert max(png_size(tmp_path / "b.png")) < 1200
    assert all((tmp_path / name).stat().st_size < 600_000 for name in ("a.png", "b.png", "c.png"))


def test_reports_are_valid_json(toy_bundle: MAKE, toy_data: MAKE, tmp_path: Path) -> None:
    models = {"int8": toy_bundle(tmp_path / "int8")}
    evaluate(PARAMS, [], models, toy_data(tmp_path / "data", rows=10), tmp_path / "out")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "out" / "int8.json").read_text()
    report = json.loads(text, parse_constant=refuse)
    assert [row["label"] for row in report["labels"]] == list(
        load_bundle(models["int8"]).task.labels
    )
