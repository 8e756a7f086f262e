"""In: digests and groups, a batch at a time. Out: proof that where a batch ends does not matter."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from components.ingestion.known import Known
from components.records import read_card, read_examples, split_path
from components.schema import SPLITS
from components.scratch import scratch_database

Ingest = Callable[..., Path]
DIGESTS = [bytes([value]) * 32 for value in (1, 2, 1, 1, 3, 2, 1, 4, 4)]


@pytest.mark.parametrize("batch", [1, 2, 3, len(DIGESTS)])
def test_copies_are_numbered_from_one(tmp_path: Path, batch: int) -> None:
    with scratch_database(tmp_path) as database:
        known = Known(database)
        parts = [DIGESTS[start : start + batch] for start in range(0, len(DIGESTS), batch)]
        numbers = [number for part in parts for number in known.number(part)]
    assert numbers == [1, 1, 2, 3, 1, 2, 4, 1, 2]


def test_groups_are_counted_once_in_each_split(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        known = Known(database)
        assert known.groups() == dict.fromkeys(SPLITS, 0)
        known.add_groups([("train", "a"), ("train", "b"), ("test", "a")])
        known.add_groups([("train", "a")])
        assert known.groups() == {"train": 2, "validation": 0, "test": 1}


def test_rows_do_not_depend_on_the_size_of_a_batch(
    run_ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"question {i % 20},track,web,c{i % 30}" for i in range(200)]
    csv = "\n".join(["body,intent,channel,customer", *lines]) + "\n"
    card = read_card(run_ingest({"a.csv": csv}))
    monkeypatch.setattr(importlib.import_module("components.ingestion.together"), "BATCH_ROWS", 7)
    folder = run_ingest({"a.csv": csv})
    assert read_card(folder) == card
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    rows = [row for split in SPLITS for row in read_examples(folder, split)]
    assert max(Counter(row["id"] for row in rows).values()) == 1, "copies have ids of their own"
    assert sum(facts["groups"] for facts in card["splits"].values()) == 30
    assert split_path(folder, "train").is_file()
