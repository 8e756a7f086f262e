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
    """Export to ONNX, quantize to int8, and compare all three on validation texts."""
    report = export_model(export, project.seed, trained, examples, onnx, int8, parity)
    differ = report["int8"]["disagreements"]
    publish(
        "parity", table("int8 against torch", "validation texts", {"answers that differ": differ})
    )
    return f"int8 answers like torch on {1 - differ / report['rows']:.2%} of validation"
