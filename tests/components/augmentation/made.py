"""In: rows, and shares of edits. Out: a folder of examples, and a section of augmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.params import AugmentationParams, ProjectParams
from components.params.augmentation import EditsParams
from components.records import write_card, write_split
from components.schema import SPLITS, example_schema

LEXICON = str(Path(__file__).parents[3] / "components/augmentation/lexicon.json")
PROJECT = ProjectParams(name="toy", seed=7)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def write_valid(folder: Path, rows: Rows, columns: Sequence[str] = ("text", "label")) -> Path:
    """Write examples with one slice, `channel`, as the stage before does."""
    schema = example_schema(dict.fromkeys(columns, "string"), ("channel",))
    for split in SPLITS:
        write_split(folder, split, pa.Table.from_pylist(list(rows[split]), schema=schema))
    write_card(folder, data="d" * 64)
    return folder


def whole(split: str, index: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with what every stage gives it."""
    fixed = {"id": f"{split}{index:04}", "group": f"g{index}", "split": split, "source_row": index}
    return {**fixed, "slice_channel": "chat" if index % 2 else None, **row}


def params(
    near: float = 0.9, lexicon: str = LEXICON, balance: float = 0.0, **shares: float
) -> AugmentationParams:
    """Return the section with these edits on, and all others off."""
    edits = dict.fromkeys(EditsParams.model_fields, 0.0) | shares
    return AugmentationParams.model_validate(
        {
            "edits": edits,
            "balance": balance,
            "lexicon": lexicon,
            "masked_model": None,
            "translators": None,
            "near_copy_similarity": near,
        }
    )
