"""In: texts and labels. Out: a folder as `validate` leaves it, and the survey of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.params import SurveyParams, load_params
from components.params.sections import PersonalParams
from components.records import write_split
from components.schema import REASON, SPLITS, example_schema
from components.survey import survey
from components.tasks import load_task
from components.tasks.base import TaskOptions

Row = dict[str, Any]
Survey = Callable[..., dict[str, Any]]

# Each label has words of its own among those that all share.
WORDS = {
    "track": ["where", "parcel", "tracking", "carrier", "shipped"],
    "refund": ["money", "refund", "returned", "bank", "amount"],
    "login": ["password", "login", "reset", "account", "locked"],
}
SHARED = ["please", "help", "my", "order", "the", "now", "again", "today", "hello", "thanks"]


def make_row(text: str, label: str, split: str = "train") -> Row:
    name = hashlib.sha256(f"{split} {text}".encode()).hexdigest()[:24]
    return {
        "id": name,
        "group": f"text:{name}",
        "split": split,
        "source_row": 1,
        "text": text,
        "label": label,
        "slice_channel": "web",
    }


def good_rows(per_label: int = 60, seed: int = 1) -> list[Row]:
    """Return texts whose words tell their labels; each stands there once."""
    rng = random.Random(seed)
    rows: dict[str, Row] = {}
    for label, words in WORDS.items():
        made = 0
        while made < per_label:
            said = [*rng.sample(words, 3), *rng.sample(SHARED, 5)]
            rng.shuffle(said)
            names = ["".join(rng.choices("bdfgklmnprstvz", k=5)) for _ in range(4)]
            text = " ".join([*said, *names])
            split = ("train", "train", "train", "validation", "test")[made % 5]
            if text not in rows:
                rows[text] = make_row(text, label, split)
                made += 1
    return list(rows.values())


@pytest.fixture
def rows() -> list[Row]:
    """Good rows."""
    return good_rows()


@pytest.fixture
def params(root: Path) -> SurveyParams:
    """The survey section as shipped."""
    return load_params(root / "params.yaml").survey


@pytest.fixture
def run(root: Path, params: SurveyParams, tmp_path: Path) -> Survey:
    """Write rows, and rejected ones with their reasons, and look at them."""
    whole = load_params(root / "params.yaml")

    def look(
        rows: Sequence[Row],
        rejected: Sequence[tuple[Row, str]] = (),
        options: TaskOptions | None = None,
        region: str | None = "US",
        before: dict[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        task = load_task(options or whole.task.model_copy(update={"labels": tuple(WORDS)}))
        schema = example_schema(task.columns, ["channel"])
        for split in SPLITS:
            own = [row for row in rows if row["split"] == split]
            write_split(tmp_path, split, pa.Table.from_pylist(own, schema=schema))
        table = pa.Table.from_pylist(
            [{**row, REASON: reason} for row, reason in rejected],
            schema=schema.append(pa.field(REASON, pa.string())),
        )
        pq.write_table(table, tmp_path / "rejects.parquet")
        personal = PersonalParams(mask=False, phone_region=region)
        ingestion = whole.ingestion.model_copy(update={"personal": personal})
        asked = params.model_copy(update=changes)
        return survey(whole.project, task, asked, ingestion, tmp_path, before)

    return look
