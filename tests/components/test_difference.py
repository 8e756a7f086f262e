"""In: two small data folders. Out: the laws of what is new in the second."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from components.difference import difference
from components.profile import profile
from components.records import write_split
from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.classification import Options

TASK = load_task(
    Options(kind="classification", labels=("track", "refund", "login"), out_of_scope=None)
)
Rows = Sequence[tuple[str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of (text, label) rows; what is not named is empty."""

    def write(name: str, **splits: Rows) -> Path:
        schema = pa.schema({"text": pa.string(), "label": pa.string()})
        for split in SPLITS:
            rows = [{"text": text, "label": label} for text, label in splits.get(split, ())]
            write_split(tmp_path / name, split, pa.Table.from_pylist(rows, schema=schema))
        return tmp_path / name

    return write


Data = Callable[..., Path]


@pytest.fixture
def folders(data: Data) -> tuple[Path, Path]:
    before = data("before", train=[("lost parcel", "track")] * 3, test=[("lost money", "refund")])
    now = data(
        "now",
        train=[("lost my drone", "track"), ("the drone broke", "broken")],
        validation=[("lost parcel", "track")],
        test=[("Drone?", "track")],
    )
    return before, now


def test_everything_is_told_before_and_now(folders: tuple[Path, Path]) -> None:
    before, now = folders
    found = difference(TASK, profile(TASK, before), now)
    assert found == {
        "rows": {"train": [3, 2], "validation": [0, 1], "test": [1, 1]},
        "labels": [
            {"label": "broken", "before": 0.0, "now": 0.25},
            {"label": "refund", "before": 0.25, "now": 0.0},
            {"label": "track", "before": 0.75, "now": 0.75},
        ],
        "characters": {
            "before": profile(TASK, before)["characters"],
            "now": profile(TASK, now)["characters"],
        },
        "vocabulary": {
            "before": 3,
            "now": 6,
            "new": pytest.approx(4 / 6),
            "examples": ["drone", "broke", "my", "the"],
        },
    }


def test_the_same_data_have_nothing_new(folders: tuple[Path, Path]) -> None:
    found = difference(TASK, profile(TASK, folders[1]), folders[1])
    assert found is not None
    assert found["vocabulary"]["new"] == 0
    assert found["vocabulary"]["examples"] == []


def test_a_profile_that_was_stored_and_read_says_the_same(folders: tuple[Path, Path]) -> None:
    before: Mapping[str, object] = json.loads(json.dumps(profile(TASK, folders[0])))
    assert difference(TASK, before, folders[1]) == difference(
        TASK, profile(TASK, folders[0]), folders[1]
    )


@pytest.mark.parametrize("before", [None, {}, {"format": 99}])
def test_without_a_profile_that_can_be_read_nothing_is_compared(
    data: Data, before: Mapping[str, object] | None
) -> None:
    assert difference(TASK, before, data("now")) is None


def test_few_of_many_new_words_are_shown(data: Data) -> None:
    words = [f"word{chr(97 + i)}" for i in range(26)]
    found = difference(
        TASK, profile(TASK, data("old")), data("now", train=[(" ".join(words), "track")])
    )
    assert found is not None
    assert found["vocabulary"]["new"] == 1
    assert found["vocabulary"]["examples"] == words[:20]
