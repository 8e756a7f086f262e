"""In: a CSV text. Out: ingestion params for it, and the folder that ingest makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.ingestion import ingest
from components.params import ColumnsParams, IngestionParams, ProjectParams
from components.params.sections import PersonalParams, SplitsParams
from components.tasks.base import Task
from tests.components.ingestion.datasets import write_dataset

Ingest = Callable[..., Path]


def make_params(source: str, **changes: Any) -> IngestionParams:
    columns = ColumnsParams(
        fields=changes.pop("fields", {"text": "body", "label": "intent"}),
        group=changes.pop("group", "customer"),
        header=changes.pop("header", None),
        values=changes.pop("values", {}),
        slices=changes.pop("slices", ("channel",)),
    )
    values: dict[str, Any] = {
        "folder": "data/source",
        "source": source,
        "validation_source": None,
        "test_source": None,
        "scheme": None,
        "changed": None,
        "format": None,
        "columns": columns,
        "personal": PersonalParams(mask=False, phone_region=None),
        "splits": SplitsParams(validation=0.2, test=0.2),
        "licence": "CC0-1.0",
    }
    return IngestionParams(**values | changes)


@pytest.fixture
def run_ingest(task: Task, tmp_path: Path) -> Ingest:
    """Write files into a source folder, ingest the first, and return the raw folder."""

    def run(files: Mapping[str, str], seed: int = 7, **changes: Any) -> Path:
        source, out = tmp_path / "source", tmp_path / "raw"
        source.mkdir(exist_ok=True)
        for name, text in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text, encoding="utf-8", newline="")
        changes.setdefault("source", next(iter(files), "absent.csv"))
        params = make_params(**changes)
        ingest(ProjectParams(name="toy", seed=seed), task, params, source, out)
        return out

    return run


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A data set in the hub's layout, with a script that must never run."""
    return write_dataset(tmp_path / "set")
