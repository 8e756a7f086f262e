from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataError, IntegrityError
from components.files import sha256_file, sha256_json
from components.records import (
    RowFile,
    iter_examples,
    read_card,
    read_examples,
    read_split,
    split_path,
    verify_card,
    write_card,
    write_split,
)
from components.schema import SPLITS, example_schema

ROWS: dict[str, list[dict[str, Any]]] = {
    split: [
        {
            "id": f"{split}{index}",
            "group": None,
            "split": split,
            "source_row": index,
            "text": "Grüße 😀",
        }
        for index in range(count)
    ]
    for split, count in zip(SPLITS, (5, 1, 0), strict=True)
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in SPLITS:
        table = pa.Table.from_pylist(ROWS[split], schema=example_schema({"text": "string"}, ()))
        write_split(tmp_path / "data", split, table)
    return tmp_path / "data"


@pytest.mark.parametrize("split", SPLITS)
def test_rows_survive_in_order(folder: Path, split: Any) -> None:
    assert read_examples(folder, split) == ROWS[split]
    assert read_split(folder, split).num_rows == len(ROWS[split])


@pytest.mark.parametrize("batch_rows", [1, 2, 5, 100])
def test_streaming_gives_the_same_rows(folder: Path, batch_rows: int) -> None:
    for split in SPLITS:
        assert list(iter_examples(folder, split, batch_rows)) == ROWS[split]


@pytest.mark.parametrize(
    "read", [read_split, read_examples, lambda folder, split: list(iter_examples(folder, split))]
)
def test_missing_and_broken_files_are_named(
    folder: Path, read: Callable[[Path, str], object]
) -> None:
    split_path(folder, "test").write_bytes(b"PAR1 cut")
    with pytest.raises(DataError, match=r"test.parquet cannot be read"):
        read(folder, "test")
    split_path(folder, "test").unlink()
    with pytest.raises(DataError, match=r"test.parquet cannot be read"):
        read(folder, "test")


def test_same_rows_are_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "again", "train", read_split(folder, "train"))
    assert sha256_file(split_path(tmp_path / "again", "train")) == sha256_file(
        split_path(folder, "train")
    )


def test_card_carries_digests_and_facts(folder: Path) -> None:
    write_card(folder, licence="CC0-1.0")
    card = read_card(folder)
    digests = {split: sha256_file(split_path(folder, split)) for split in SPLITS}
    assert card == {"data": sha256_json(digests), "sha256": digests, "licence": "CC0-1.0"}


def test_digest_of_the_raw_data_is_carried_along(folder: Path) -> None:
    write_card(folder, data="raw")
    assert verify_card(folder)["data"] == "raw"


def test_altered_or_missing_split_does_not_fit_its_card(folder: Path) -> None:
    write_card(folder)
    assert verify_card(folder) == read_card(folder)
    content = bytearray(split_path(folder, "validation").read_bytes())
    content[len(content) // 2] ^= 1
    split_path(folder, "validation").write_bytes(content)
    with pytest.raises(
        IntegrityError, match=r"validation.parquet is not the file .* found [0-9a-f]"
    ):
        verify_card(folder)
    split_path(folder, "validation").unlink()
    with pytest.raises(IntegrityError, match=r"validation.parquet .* found no file"):
        verify_card(folder)


def test_only_the_named_splits_are_checked(folder: Path) -> None:
    write_card(folder)
    split_path(folder, "test").unlink()
    assert verify_card(folder, ("train", "validation")) == read_card(folder)
    with pytest.raises(IntegrityError, match=r"test.parquet .* found no file"):
        verify_card(folder)


def test_missing_card_is_named(folder: Path) -> None:
    with pytest.raises(IntegrityError, match=r"card.json is missing"):
        read_card(folder)


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_a_file_written_in_batches_has_the_bytes_of_one_written_in_one_go(
    tmp_path: Path, rows: int
) -> None:
    table = pa.table({"text": [f"text {n}" if n % 3 else None for n in range(rows)]})
    write_split(tmp_path, "train", table)
    with RowFile(tmp_path / "batches", table.schema) as file:
        for batch in table.to_batches(max_chunksize=7):
            file.write(batch)
    assert (tmp_path / "batches").read_bytes() == split_path(tmp_path, "train").read_bytes()


def test_a_large_file_has_several_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.records.GROUP_BYTES", 200)
    table = pa.table({"text": [f"a text with number {n}" for n in range(50)]})
    with RowFile(split_path(tmp_path, "train"), table.schema) as file:
        for batch in table.to_batches(max_chunksize=5):
            file.write(batch)
    assert pq.ParquetFile(split_path(tmp_path, "train")).num_row_groups > 1
    assert read_split(tmp_path, "train").equals(table)
