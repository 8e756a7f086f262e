"""In: bundle folders and the test split. Out: a folder with one report each and the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.calibration import calibration
from components.errors import DataError
from components.evaluation.slices import known, slice_scores
from components.evaluation.speed import latency, throughput
from components.files import atomic_folder, sha256_file, write_json
from components.inference import Predictor, load_predictor
from components.inference.bundle import GRAPH, WEIGHTS
from components.params import EvaluationParams
from components.records import read_examples, split_path
from components.schema import ID
from components.tasks.base import Array, Example, Prediction, Task, metrics, predictions

LABEL: Final = "label"
SERVED: Final = "int8"


@dataclass(frozen=True)
class _Answers:
    """What one artifact answered to every test example, in file order."""

    logits: list[Array]
    predictions: list[Prediction]


def evaluate(
    params: EvaluationParams,
    slices: Sequence[str],
    models: Mapping[str, Path],
    examples: Path,
    out: Path,
) -> dict[str, Any]:
    """Measure every artifact on the same test examples by the same code.

    Args:
        params: the `evaluation` section.
        slices: the user's slice columns, by their own names.
        models: artifact name to bundle folder; the pictures show `int8`, or else the last one.
        examples: the folder whose test split is used.
        out: receives `<artifact>.json`, `predictions.parquet`, `reliability.png`, and, where an
            example has one label, `confusion.png`.

    Returns:
        Artifact name to its report, as written.

    Raises:
        DataError: the test split is absent, empty, or has a label that the task does not list.
        IntegrityError: a bundle was altered, or answers with NaN.
    """
    rows = read_examples(examples, "test")
    if not rows:
        raise DataError(f"{split_path(examples, 'test')} is empty", "raise ingestion.splits.test")
    data = sha256_file(split_path(examples, "test"))
    reports: dict[str, Any] = {}
    tables = []
    with atomic_folder(out) as folder:
        for artifact, path in models.items():
            # One at a time: the memory of a run is that of its largest model.
            predictor = load_predictor(path)
            _check_labels(predictor.bundle.task, rows)
            answers = _answer(predictor, rows, params.batch_size)
            facts = {"artifact": artifact, "split": "test", "data": data, "rows": len(rows)}
            reports[artifact] = (
                facts
                | _quality(params, slices, predictor.bundle.task, rows, answers)
                | _cost(params, predictor, rows)
            )
            write_json(folder / f"{artifact}.json", reports[artifact])
            tables.append(_table(artifact, predictor.bundle.task, rows, answers.predictions))
        pq.write_table(pa.concat_tables(tables), folder / "predictions.parquet", compression="zstd")
        _draw(reports, folder)
    return reports


def _check_labels(task: Task, rows: Sequence[Example]) -> None:
    for row in rows:
        if reason := task.reject(row):
            raise DataError(
                f"test split: example {row[ID]}: {reason}: {_told(task, row)}", "run `dvc repro`"
            )


def _told(task: Task, row: Example) -> str:
    """Return what a row says beside its inputs."""
    return ", ".join(repr(row.get(name)) for name in task.columns if name not in task.inputs)


def _answer(predictor: Predictor, rows: Sequence[Example], batch_size: int) -> _Answers:
    logits = predictor.logits(rows, batch_size)
    return _Answers(logits, predictions(predictor.bundle.task, rows, logits))


def _quality(
    params: EvaluationParams,
    slices: Sequence[str],
    task: Task,
    rows: Sequence[Example],
    answers: _Answers,
) -> dict[str, Any]:
    """Return everything that follows from the answers alone, and so is the same on each run."""
    score = np.array([p.score for p in answers.predictions])
    right = task.right(rows, answers.predictions)
    return {
        "metrics": known(metrics(task, rows, answers.logits)),
        "calibration": calibration(score, right, params.calibration_bins),
        "labels": task.table(rows, answers.predictions),
        "confusion": task.confusion(rows, answers.predictions, task.labels),
        "mistakes": dict(task.mistakes(rows, answers.predictions)),
        "slices": slice_scores(task, slices, rows, answers.logits, params.min_slice_rows),
    }


def _cost(
    params: EvaluationParams, predictor: Predictor, rows: Sequence[Example]
) -> dict[str, Any]:
    """Return time and size, which depend on the machine."""
    bundle = predictor.bundle
    model = bundle.folder / (WEIGHTS if bundle.card.artifact == "trained" else GRAPH)
    batches, batch_size = params.throughput_batches, params.batch_size
    return {
        "digest": bundle.digest,
        "latency": latency(predictor, rows, params.latency_requests),
        "throughput_per_second": throughput(predictor, rows, batches, batch_size),
        "size_bytes": model.stat().st_size,
    }


def _table(
    artifact: str, task: Task, rows: Sequence[Example], answers: Sequence[Prediction]
) -> pa.Table:
    return pa.table(
        {
            ID: [row[ID] for row in rows],
            "artifact": [artifact] * len(rows),
            LABEL: [task.truth(row) for row in rows],
            "answer": [answer.label for answer in answers],
            "score": [answer.score for answer in answers],
        }
    )


def _draw(reports: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    from components.evaluation.pictures import draw_confusion, draw_reliability

    served = SERVED if SERVED in reports else list(reports)[-1]
    report = reports[served]
    names = [row["label"] for row in report["labels"]]
    name, figure = next(iter(report["metrics"].items()))
    title = f"{served}: {report['rows']} test examples"
    if figure is not None:
        title += f", {name.replace('_', ' ')} {figure:.3f}"
    if report["confusion"] is not None:
        draw_confusion(np.array(report["confusion"]), names, title, folder / "confusion.png")
    draw_reliability(
        {name: value["calibration"] for name, value in reports.items()},
        served,
        folder / "reliability.png",
    )
