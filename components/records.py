"""In: Parquet files of examples. Out: Arrow tables and rows, and the card beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError, IntegrityError
from components.files import read_json, sha256_file, sha256_json, write_json
from components.schema import SPLITS, Split

CARD: Final = "card.json"
# Beside the accepted rows, those that were not, each with its reason.
REJECTS: Final = "rejects.parquet"
GROUP_BYTES: Final = 64 << 20

Example = Mapping[str, Any]


def split_path(folder: Path, split: Split) -> Path:
    """Return where a data folder keeps one split."""
    return folder / f"{split}.parquet"


def read_split(folder: Path, split: Split) -> pa.Table:
    """Read one split as an Arrow table.

    Raises:
        DataError: the file is absent or is no Parquet.
    """
    path = split_path(folder, split)
    try:
        return pq.read_table(path)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}", "run `dvc repro` to make it") from error


def read_examples(folder: Path, split: Split) -> list[Example]:
    """Read one split as rows; missing values are None."""
    rows: list[Example] = read_split(folder, split).to_pylist()
    return rows


def iter_batches(folder: Path, split: Split, batch_rows: int = 8192) -> Iterator[pa.RecordBatch]:
    """Stream one split in file order, so that memory does not grow with the data.

    Raises:
        DataError: the file is absent or is no Parquet.
    """
    with _opened(folder, split) as file:
        yield from file.iter_batches(batch_size=batch_rows)


def iter_examples(folder: Path, split: Split, batch_rows: int = 8192) -> Iterator[Example]:
    """Stream the rows of one split in file order, so that memory does not grow with the data.

    Raises:
        DataError: the file is absent or is no Parquet.
    """
    for batch in iter_batches(folder, split, batch_rows):
        yield from rows_of(batch)


def rows_of(batch: pa.RecordBatch) -> list[Example]:
    """Return rows; several times as fast as Arrow does it."""
    names, cells = batch.schema.names, [column.to_pylist() for column in batch.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def split_schema(folder: Path, split: Split) -> pa.Schema:
    """Return the columns of one split.

    Raises:
        DataError: the file is absent or is no Parquet.
    """
    with _opened(folder, split) as file:
        return file.schema_arrow


def _opened(folder: Path, split: Split) -> pq.ParquetFile:
    path = split_path(folder, split)
    try:
        return pq.ParquetFile(path)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}", "run `dvc repro` to make it") from error


class RowFile:
    """Writes a Parquet file batch by batch; a row group takes 64 MiB of memory at most.

    A file that fits into one has the bytes that it would have if it were written in one go.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._groups = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting or not self._groups:
            self._write()
        self._file.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Add some rows."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        if sum(one.nbytes for one in self._waiting) >= GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._file.write_table(table.combine_chunks())
        self._waiting.clear()
        self._groups += 1


def write_split(folder: Path, split: Split, table: pa.Table) -> None:
    """Write one split; the caller renames the folder when all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, split_path(folder, split), compression="zstd")


def write_card(folder: Path, data: str | None = None, **facts: Any) -> None:  # noqa: ANN401
    """Write `card.json`: the digests of the folder's Parquet files, and what the stage found.

    Args:
        folder: holds one Parquet file per split.
        data: the digest of the raw data that these rows come from; None makes it from these files.
        facts: counts and the like, as JSON values.
    """
    digests = {split: sha256_file(split_path(folder, split)) for split in SPLITS}
    if data is None:
        data = sha256_json(digests)
    write_json(folder / CARD, {"data": data, "sha256": digests, **facts})


def read_card(folder: Path) -> dict[str, Any]:
    """Read a data folder's card."""
    card: dict[str, Any] = read_json(folder / CARD)
    return card


def verify_card(folder: Path, splits: Sequence[Split] = SPLITS) -> dict[str, Any]:
    """Read a data folder's card and check its Parquet files against it.

    A cache may restore a file with a flipped byte without a word; here it is noticed.

    Args:
        folder: with a card and one Parquet file per split.
        splits: those that are read, and so checked; no other file is opened.

    Raises:
        IntegrityError: a file is absent or altered; names it and both digests.
    """
    card = read_card(folder)
    for split in splits:
        path = split_path(folder, split)
        expected = card["sha256"][split]
        found = sha256_file(path) if path.is_file() else "no file"
        if found != expected:
            raise IntegrityError(
                f"{path} is not the file that {CARD} names: expected sha256 {expected}, "
                f"found {found}",
                f"delete {folder} and run `dvc repro`",
            )
    return card
