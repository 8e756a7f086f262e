"""In: a CSV or TSV file. Out: its records as text; a row that does not fit is named by place."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.errors import DataError
from components.ingestion.decoding import (
    LONGEST,
    SHORTER,
    Record,
    line_content,
    require_columns,
    text_lines,
)

Rows = Iterator[tuple[int, list[str]]]


def read_csv(
    path: Path, columns: Sequence[str], header: Sequence[str] | None = None
) -> Iterator[Record]:
    """Stream a comma-separated file; quoted cells may hold line breaks.

    Args:
        path: the file.
        columns: those that are wanted.
        header: the names of all columns when the file has no header line; None: its first row.
    """
    cure = "quote cells that hold commas, and give every row all columns"
    return _records(path, columns, header, _csv_rows(path), cure)


def read_tsv(
    path: Path, columns: Sequence[str], header: Sequence[str] | None = None
) -> Iterator[Record]:
    """Stream a tab-separated file: one row a line, and quotes are text like any other.

    Args:
        path: the file.
        columns: those that are wanted.
        header: the names of all columns when the file has no header line; None: its first line.
    """
    cure = "write no tab and no line break inside a cell, and give every row all columns"
    return _records(path, columns, header, _tsv_rows(path), cure)


def _records(
    path: Path, columns: Sequence[str], header: Sequence[str] | None, rows: Rows, cure: str
) -> Iterator[Record]:
    if header is None:
        line, names = next(rows, (1, []))
        where, named = f"{path}, line {line}", "the header has"
    else:
        names, where = list(header), f"{path}, ingestion.columns.header"
        named = "ingestion.columns.header names"
    require_columns(where, columns, names)
    wanted = [(name, names.index(name)) for name in columns]
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(
                f"{path}, line {line}: {_counted(row)} where {named} {len(names)}; "
                + _ragged(row, names),
                cure,
            )
        yield {name: row[index] for name, index in wanted}


def _counted(row: Sequence[str]) -> str:
    return f"{len(row)} cell{'' if len(row) == 1 else 's'}"


def _ragged(row: Sequence[str], header: Sequence[str]) -> str:
    if len(row) > len(header):
        return f"column {len(header) + 1} has no name and holds {row[len(header)][:40]!r}"
    return f"column {len(row) + 1} ({header[len(row)]!r}) is absent"


def _csv_rows(path: Path) -> Rows:
    """Yield each row that is not blank, with the line on which it begins."""
    line = size = 0

    def counted() -> Iterator[str]:
        nonlocal size
        for text in text_lines(path):
            size += len(text)
            if size > LONGEST:
                raise DataError(
                    f"{path}, line {line}: the row that begins here is longer than {LONGEST} "
                    "characters",
                    f"{SHORTER}; a quote may not be closed",
                )
            yield text

    reader = csv.reader(counted(), strict=True)
    while True:
        line, size = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}, line {line}: the row that begins here cannot be read: {error} "
                f"(noticed at line {reader.line_num})",
                'close every quote, and write a quote inside a quoted cell twice ("")',
            ) from error
        if row:
            yield line, row


def _tsv_rows(path: Path) -> Rows:
    """Yield each line that is not blank, cut at its tabs, with its number."""
    for number, line in enumerate(text_lines(path), 1):
        if bare := line_content(line):
            yield number, bare.split("\t")
