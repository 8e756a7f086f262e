"""In: the labelled text as it came. Out: data/raw, fixed columns, split by a hash of the group."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components.ingestion import ingest as ingest_rows
from components.params import IngestionParams, ProjectParams
from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.base import TaskOptions
from flows.artifacts import counts


@flow(validate_parameters=False)
def ingest(
    project: ProjectParams,
    task: TaskOptions,
    ingestion: IngestionParams,
    source: Path,
    out: Path,
) -> str:
    """Read the source, fix the columns, and split by a hash of the group."""
    card = ingest_rows(project, load_task(task), ingestion, source, out)
    return counts({split: card["splits"][split]["rows"] for split in SPLITS})
