"""In: a CSV, JSONL, Parquet, CoNLL or SQuAD file. Out: its records as text, or where the fault is.

No value is guessed: "NA", "007" and "nan" stay the text that they are.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.ingestion.conll import read_conll
from components.ingestion.lines import read_lines, require_columns
from components.ingestion.squad import read_squad
from components.spans import Scheme

Record = Mapping[str, str | None]
Reader = Callable[[Path, Sequence[str]], Iterator[Record]]

BATCH_ROWS: Final = 8192
CONLL: Final = (".conll", ".bio")


def read_records(
    path: Path, columns: Sequence[str], scheme: Scheme | None = None
) -> Iterator[Record]:
    """Stream the records of a file in file order, cut down to `columns`.

    Args:
        path: the file; with a scheme, it is read as CoNLL whatever its name.
        columns: of the file.
        scheme: of a CoNLL file's tags.

    Raises:
        DataError: the format is unknown, a column is absent, or the file is malformed; names file,
            line (or record) and column.
    """
    reader = READERS.get(path.suffix.lower())
    if scheme is not None:
        reader = functools.partial(read_conll, scheme=scheme)
    if reader is None and path.suffix.lower() in CONLL:
        raise DataError(
            f"{path}: the scheme of its tags is not named",
            "write iob1, iob2 or bioes as ingestion.scheme",
        )
    if reader is None:
        known = ", ".join(READERS)
        raise DataError(
            f"{path}: files ending in {path.suffix!r} cannot be read", f"give one of: {known}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes)", "put the labelled rows into it")
    return reader(path, columns)


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a comma-separated file with a header; quoted cells may hold line breaks."""
    rows = _csv_rows(path)
    line, header = next(rows, (1, []))
    require_columns(f"{path}, line {line}", columns, header)
    wanted = [(name, header.index(name)) for name in columns]
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: {len(row)} cells where the header has {len(header)}; "
                + _ragged(row, header),
                "quote cells that hold commas, and give every row all columns",
            )
        yield {name: row[index] for name, index in wanted}


def _ragged(row: Sequence[str], header: Sequence[str]) -> str:
    if len(row) > len(header):
        return f"column {len(header) + 1} has no name and holds {row[len(header)][:40]!r}"
    return f"column {len(row) + 1} ({header[len(row)]!r}) is absent"


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the line on which it begins."""
    reader = csv.reader(read_lines(path), strict=True)
    while True:
        line = reader.line_num + 1
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


def read_jsonl(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a file with one JSON object per line; numbers keep the spelling they have."""
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        record = _object(line, where)
        require_columns(where, columns, list(record))
        yield {name: _cell(record[name], where, name) for name in columns}


def _object(line: str, where: str) -> Mapping[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        require_columns(where, (), [name for name, _ in items])
        return dict(items)

    def refuse(constant: str) -> NoReturn:
        raise DataError(f"{where}: {constant} is no JSON", 'write null, or text as "..."')

    try:
        value = json.loads(
            line, parse_int=str, parse_float=str, parse_constant=refuse, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}, column {error.colno}: not valid JSON: {error.msg}",
            "write one JSON object per line",
        ) from error
    if not isinstance(value, dict):
        raise DataError(
            f"{where}: expected an object, found {type(value).__name__}",
            'write one JSON object per line, such as {"text": "...", "label": "..."}',
        )
    return value


def _cell(value: object, where: str, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise DataError(
            f"{where}: column {name!r} holds a {type(value).__name__}", "write text or null"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: column {name!r} holds half a surrogate pair at character {error.start + 1}",
            "write the whole character, or leave it out",
        ) from error
    return value


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a Parquet file; columns must hold text, whole numbers or booleans."""
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            require_columns(str(path), columns, schema.names)
            for name in columns:
                _require_text(path, name, schema.field(name).type)
            yield from _parquet_rows(file, columns)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is no readable Parquet file: {error}", "write it again, with UTF-8 text"
        ) from error


def _parquet_rows(file: pq.ParquetFile, columns: Sequence[str]) -> Iterator[Record]:
    target = pa.schema([(name, pa.string()) for name in columns])
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
        yield from pa.Table.from_batches([batch]).select(columns).cast(target).to_pylist()


def _require_text(path: Path, name: str, kind: pa.DataType) -> None:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    checks = (*text, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    if not any(check(plain) for check in checks):
        raise DataError(
            f"{path}: column {name!r} has the type {kind}, not text", "store it as strings"
        )


READERS: Final[Mapping[str, Reader]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".json": read_squad,
}
