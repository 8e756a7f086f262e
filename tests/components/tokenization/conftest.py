"""In: rows per split. Out: a data folder as the stage before would have left it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from components.records import write_card, write_split
from components.schema import SPLITS, example_schema

Rows = Sequence[tuple[str, str]]
MakeData = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_encoder(tiny_tokenizer: Path) -> Path:
    """All that tokenizing reads of an encoder; no weights, so that torch is not imported."""
    return tiny_tokenizer


@pytest.fixture
def make_data(tmp_path: Path) -> MakeData:
    """Write (text, label) rows per split; `parents` marks the altered ones by position."""

    def make(
        rows: Mapping[str, Rows], name: str = "augmented", parents: Mapping[str, str] | None = None
    ) -> Path:
        folder = tmp_path / name
        schema = example_schema({"text": "string", "label": "string"}, (), augmented=True)
        for split in SPLITS:
            table = pa.Table.from_pylist(
                [
                    {
                        "id": f"{split}{index}",
                        "group": str(index),
                        "split": split,
                        "source_row": index,
                        "text": text,
                        "label": label,
                        "parent_id": (parents or {}).get(f"{split}{index}"),
                    }
                    for index, (text, label) in enumerate(rows[split])
                ],
                schema=schema,
            )
            write_split(folder, split, table)
        write_card(folder, data="d" * 64)
        return folder

    return make
