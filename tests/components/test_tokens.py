from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import DataError, IntegrityError
from components.files import write_json
from components.tokens import (
    ALTERED,
    ARRAYS,
    ROOTS,
    array_path,
    open_altered,
    open_roots,
    open_split,
    read_token_card,
    subset,
    unaltered,
)

ROWS = [[2, 7, 3], [2, 3], [2, 5, 6, 7, 3]]


def write(folder: Path, rows: list[list[int]] = ROWS, targets: int | None = None) -> Path:
    flat = [token for row in rows for token in row]
    offsets = np.cumsum([0, *(len(row) for row in rows)])
    arrays = (
        np.array(flat, dtype=np.int32),
        offsets.astype(np.int64),
        np.arange(len(rows) if targets is None else targets),
    )
    for name, array in zip(ARRAYS, arrays, strict=True):
        np.save(array_path(folder, "train", name), array)
    return folder


def test_rows_are_what_was_written(tmp_path: Path) -> None:
    split = open_split(write(tmp_path), "train")
    assert len(split) == 3
    assert split.lengths.tolist() == [3, 2, 5]
    assert [split.row(index).tolist() for index in range(3)] == ROWS
    assert split.targets.tolist() == [0, 1, 2]


def test_rows_are_views_of_a_mapped_file(tmp_path: Path) -> None:
    split = open_split(write(tmp_path), "train")
    assert isinstance(split.input_ids, np.memmap)
    assert np.shares_memory(split.row(1), split.input_ids)
    with pytest.raises(ValueError, match="read-only"):
        split.input_ids[0] = 1


@pytest.mark.parametrize("name", ARRAYS)
def test_missing_or_cut_array_is_refused(tmp_path: Path, name: str) -> None:
    path = array_path(write(tmp_path), "train", name)
    content = path.read_bytes()
    for broken in (content[:-4], content[:20], b""):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="train tokens cannot be read"):
            open_split(tmp_path, "train")
    path.unlink()
    with pytest.raises(DataError, match="train tokens cannot be read"):
        open_split(tmp_path, "train")


def test_pickled_array_is_never_opened(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(array_path(tmp_path, "train", "targets"), np.array([{}], dtype=object))
    with pytest.raises(DataError, match="cannot be read"):
        open_split(tmp_path, "train")


def test_arrays_that_do_not_fit_one_another_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not fit one another"):
        open_split(write(tmp_path, targets=2), "train")
    write(tmp_path)
    np.save(array_path(tmp_path, "train", "input_ids"), np.zeros(11, dtype=np.int32))
    with pytest.raises(DataError, match="do not fit one another"):
        open_split(tmp_path, "train")


def test_card_is_read_and_its_absence_named(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"card.json is missing"):
        read_token_card(tmp_path)
    write_json(tmp_path / "card.json", {"pad_id": 0})
    assert read_token_card(tmp_path) == {"pad_id": 0}


def test_subset_has_its_rows_and_a_card_of_its_own(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    write(whole)
    for name in ARRAYS:
        array = np.load(array_path(whole, "train", name))
        np.save(array_path(whole, "validation", name), array)
    (whole / "tokenizer.json").write_text("{}")
    write_json(whole / "card.json", {"sha256": {"a": "b"}, "rows": {"train": 3, "validation": 3}})
    subset(whole, np.array([2, 0]), tmp_path / "part")
    part = open_split(tmp_path / "part", "train")
    assert [part.row(index).tolist() for index in range(len(part))] == [ROWS[2], ROWS[0]]
    assert part.targets.tolist() == [2, 0]
    assert len(open_split(tmp_path / "part", "validation")) == 3
    card = read_token_card(tmp_path / "part")
    assert card["rows"] == {"train": 2, "validation": 3}
    assert card["sha256"] != read_token_card(whole)["sha256"]
    subset(whole, np.array([0, 2]), tmp_path / "other")
    assert read_token_card(tmp_path / "other")["sha256"] != card["sha256"]


def test_a_subset_knows_which_of_its_own_rows_are_altered(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    write(whole)
    write_json(whole / "card.json", {})
    np.save(array_path(whole, "train", ALTERED), np.array([False, True, False]))
    np.save(array_path(whole, "train", ROOTS), np.array([0, 0, 1]))
    subset(whole, np.array([1, 2]), tmp_path / "part")
    assert open_altered(tmp_path / "part").tolist() == [True, False]
    assert open_roots(tmp_path / "part").tolist() == [0, 1]


@pytest.mark.parametrize(
    ("roots", "altered", "expected"),
    [
        ([0, 1, 2], [False, False, False], [0, 1, 2]),
        ([0, 1, 0], [False, False, True], [0, 1, 0]),
        ([1, 0, 1], [True, False, False], [2, 1, 2]),
        # Windows: the copy has one more than its original, or one less.
        ([0, 0, 0, 0, 0], [False, False, True, True, True], [0, 1, 0, 1, 0]),
        ([0, 0, 0], [False, False, True], [0, 1, 0]),
        ([0, 7, 1], [False, True, False], [0, 2]),
    ],
    ids=["none", "last", "before its original", "longer", "shorter", "an orphan"],
)
def test_an_original_stands_in_the_place_of_each_copy(
    roots: list[int], altered: list[bool], expected: list[int], tmp_path: Path
) -> None:
    np.save(array_path(tmp_path, "train", "input_ids"), np.zeros(len(roots), np.int32))
    np.save(array_path(tmp_path, "train", "offsets"), np.arange(len(roots) + 1))
    np.save(array_path(tmp_path, "train", "targets"), np.zeros(len(roots), np.int64))
    np.save(array_path(tmp_path, "train", ALTERED), np.array(altered))
    np.save(array_path(tmp_path, "train", ROOTS), np.array(roots))
    assert unaltered(tmp_path).tolist() == expected


def test_what_is_said_of_rows_must_fit_them(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match=r"train.altered.npy cannot be read"):
        open_altered(tmp_path)
    np.save(array_path(tmp_path, "train", ALTERED), np.array([False]))
    with pytest.raises(DataError, match="does not fit the train arrays"):
        open_altered(tmp_path)
