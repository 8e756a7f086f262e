"""In: models/trained. Out: the ONNX and int8 bundles, and how far each answers like torch."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.export import export as export_model
from components.params import ExportParams, ProjectParams
from flows.artifacts import publish, table


@flow(validate_parameters=False)
def export(
    project: ProjectParams,
    export: ExportParams,
    trained: Path,
    examples: Path,
    onnx: Path,
    int8: Path,
    parity: Path,
) -> str:
    """Export to ONNX, and serve the first rung of the ladder that answers like torch."""
    report = export_model(export, project.seed, trained, examples, onnx, int8, parity)
    served, chosen = report["artifacts"]["int8"], report["chosen"]
    tried = {rung["rung"]: "; ".join(rung["reasons"]) or "holds" for rung in report["ladder"]}
    publish("parity", table("rung", "on validation texts", tried))
    alike = 1 - served["disagreements"] / report["rows"]
    return f"{chosen}: answers like torch on {alike:.2%} of validation"
