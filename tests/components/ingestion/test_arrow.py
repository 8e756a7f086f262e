"""In: well and badly made Arrow files and streams. Out: records as text, or where the fault is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from components.errors import DataError
from components.ingestion.batches import BATCH_ROWS
from components.ingestion.readers import read_records

COLUMNS = ("text", "label")
Write = Callable[[pa.Table, Path], None]


def as_file(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def as_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def as_feather(table: pa.Table, path: Path) -> None:
    pyarrow.feather.write_feather(table, path, compression="lz4")


def as_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


WRITERS = {
    "a.arrow": as_file,
    "b.arrow": as_stream,
    "c.feather": as_feather,
    "d.parquet": as_parquet,
}
NAMES = list(WRITERS)


def write(folder: Path, name: str, table: pa.Table) -> Path:
    WRITERS[name](table, folder / name)
    return folder / name


def read(path: Path) -> list[dict[str, str | None]]:
    return [dict(record) for record in read_records(path, COLUMNS)]


@pytest.mark.parametrize("name", NAMES)
def test_text_whole_numbers_and_null_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    table = pa.table(
        {
            "odd": pa.array([0.5, None, 0.5, 1.0]),
            "label": pa.array([7, None, 0, -1]),
            "text": pa.array(["a", "NA", "", "ü\n🙂"]).dictionary_encode(),
        }
    )
    assert read(write(tmp_path, name, table)) == [
        {"text": "a", "label": "7"},
        {"text": "NA", "label": None},
        {"text": "", "label": "0"},
        {"text": "ü\n🙂", "label": "-1"},
    ]


@pytest.mark.parametrize("name", NAMES)
def test_rows_beyond_one_batch_keep_their_order(tmp_path: Path, name: str) -> None:
    texts = [str(number) for number in range(2 * BATCH_ROWS + 5)]
    table = pa.table({"text": texts, "label": texts})
    assert [record["text"] for record in read(write(tmp_path, name, table))] == texts


@pytest.mark.parametrize("name", NAMES)
def test_columns_must_be_there_once_and_hold_text(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, pa.table({"text": ["a"], "labels": ["b"]}))
    with pytest.raises(DataError, match=r"'label' is missing \(did you mean 'labels'"):
        read(path)
    path = write(tmp_path, name, pa.table({"text": ["a"], "label": [["b"]]}))
    with pytest.raises(DataError, match=r"'label' has the type list<.*>, not text"):
        read(path)
    twice = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "label", "text"])
    with pytest.raises(DataError, match=r"twice in the header: 'text' \(columns 1 and 3\)"):
        read(write(tmp_path, name, twice))


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_are_no_text_are_named_by_row_and_column(tmp_path: Path, name: str) -> None:
    labels = ["x"] * BATCH_ROWS + ["y"]
    raw = pa.array([b"ok"] * BATCH_ROWS + [b"caf\xe9"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    path = write(tmp_path, name, pa.table({"text": texts, "label": labels}))
    with pytest.raises(DataError, match=rf", row {BATCH_ROWS + 1}: column 'text' is not UTF-8"):
        read(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, pa.table({"text": ["a"] * 9, "label": ["b"] * 9}))
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 8, len(whole) // 2, 9, 3, 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"no readable (Arrow|Parquet) file|with its end mark"):
            read(path)


def test_feather_of_version_1_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "old.feather").write_bytes(b"FEA1" + bytes(40) + b"FEA1")
    with pytest.raises(DataError, match="Feather file of version 1") as caught:
        read(tmp_path / "old.feather")
    assert "write_feather" in caught.value.cure
