"""In: a small data folder. Out: the laws of its profile."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from components.errors import DataError
from components.profile import frequent, hash_word, profile
from components.records import write_split
from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.classification import Options

TASK = load_task(
    Options(kind="classification", labels=("track", "refund", "login"), out_of_scope=None)
)
SCHEMA = pa.schema({"text": pa.string(), "label": pa.string()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {
        "train": [("Where is my parcel?", "track"), ("MY parcel, my order 4711", "track")],
        "validation": [("refund", "refund")],
        "test": [("my password", "login")],
    }
    for split in SPLITS:
        rows = [{"text": text, "label": label} for text, label in texts[split]]
        write_split(tmp_path, split, pa.Table.from_pylist(rows, schema=SCHEMA))
    return tmp_path


def test_rows_labels_and_lengths_are_counted(folder: Path) -> None:
    found = profile(TASK, folder)
    assert found["rows"] == {"train": 2, "validation": 1, "test": 1}
    assert found["labels"] == {"login": 0.25, "refund": 0.25, "track": 0.5}
    # 6, 11, 19 and 24 characters
    assert found["characters"] == {"p50": 15.0, "p95": pytest.approx(23.25)}


def test_words_are_hashed_the_most_frequent_first(folder: Path) -> None:
    found = profile(TASK, folder)
    assert found["words"] == len(found["vocabulary"]) == 7
    expected = ["my", "parcel", "is", "order", "password", "refund", "where"]
    assert found["vocabulary"] == [hash_word(word) for word in expected]
    assert hash_word("my") == hashlib.sha256(b"my").hexdigest()[:8]


def test_no_word_of_a_text_and_no_number_stands_in_a_profile(folder: Path) -> None:
    stored = json.dumps(profile(TASK, folder))
    for word in ("parcel", "password", "Where", "4711"):
        assert word not in stored


def test_a_profile_does_not_depend_on_how_rows_were_split(folder: Path, tmp_path: Path) -> None:
    before = profile(TASK, folder)
    (folder / "test.parquet").rename(folder / "x")
    (folder / "validation.parquet").rename(folder / "test.parquet")
    (folder / "x").rename(folder / "validation.parquet")
    assert profile(TASK, folder) == before


def test_rare_words_give_way_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import Counter

    monkeypatch.setattr("components.profile.WORDS", 2)
    assert frequent(Counter({"c": 1, "b": 2, "a": 1})) == ["b", "a"]


def test_empty_data_have_a_profile(tmp_path: Path) -> None:
    for split in SPLITS:
        write_split(tmp_path, split, SCHEMA.empty_table())
    found = profile(TASK, tmp_path)
    assert found["characters"] == {"p50": None, "p95": None}
    assert found["labels"] == {}
    assert found["vocabulary"] == []


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.parquet cannot be read"):
        profile(TASK, tmp_path)
