"""In: data/raw. Out: data/valid with the rows that passed, rejects.parquet, and Data Docs."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.params import IngestionParams, ValidationParams
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.validation import validate as validate_rows
from flows.artifacts import publish, table


@flow(validate_parameters=False)
def validate(
    task: TaskOptions,
    ingestion: IngestionParams,
    validation: ValidationParams,
    raw: Path,
    out: Path,
    report: Path,
) -> str:
    """Reject bad rows with a reason each; end the run when a hard rule is broken."""
    card = validate_rows(load_task(task), validation, ingestion.columns.slices, raw, out, report)
    publish("validation", table("reason", "rejected rows", card["reasons"]))
    return f"{card['accepted']} rows passed, {card['rejected']} rejected"
