"""In: the three models and the test split. Out: reports/evaluation, the same measures of each."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.evaluation import evaluate as evaluate_models
from components.params import EvaluationParams, IngestionParams
from flows.artifacts import publish, table


@flow(validate_parameters=False)
def evaluate(
    ingestion: IngestionParams,
    evaluation: EvaluationParams,
    trained: Path,
    onnx: Path,
    int8: Path,
    examples: Path,
    out: Path,
) -> str:
    """Measure the trained, ONNX and int8 models on the test split with the same code."""
    models = {"trained": trained, "onnx": onnx, "int8": int8}
    reports = evaluate_models(evaluation, ingestion.columns.slices, models, examples, out)
    metric, *_ = reports["int8"]["metrics"]
    told = f"test {metric.replace('_', ' ')}"
    scores = {name: reports[name]["metrics"][metric] for name in models}
    publish("evaluation", table("model", told, scores))
    return f"{told} " + ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
