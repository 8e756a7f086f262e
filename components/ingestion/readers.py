"""In: a CSV, JSONL, Parquet or SQuAD file. Out: its records, one by one, or where the fault is.

No value is guessed: "NA", "007" and "nan" stay the text that they are.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.ingestion.squad import read_squad

Record = Mapping[str, str | None]
Reader = Callable[[Path, Sequence[str]], Iterator[Record]]

BATCH_ROWS: Final = 8192


def read_records(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream the records of a file in file order, cut down to `columns`.

    Raises:
        DataError: the format is unknown, a column is absent, or the file is malformed; names file,
            line (or record) and column.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise DataError(
            f"{path}: files ending in {path.suffix!r} cannot be read", f"give one of: {known}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes)", "put the labelled rows into it")
    return reader(path, columns)


def require_columns(where: str, columns: Sequence[str], found: Sequence[str]) -> None:
    """Check that every column stands once in the header.

    Raises:
        DataError: names the absent columns, those that are there, and the likeliest one meant.
    """
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        places = ", ".join(f"{name!r} (columns {_positions(found, name)})" for name in twice)
        raise DataError(f"{where}: stands twice in the header: {places}", "rename one of them")
    for name in columns:
        if name not in found:
            close = difflib.get_close_matches(name, found, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise DataError(
                f"{where}: column {name!r} is missing{hint}; found: {', '.join(found) or 'none'}",
                "name the columns of the file in ingestion.columns",
            )


def _positions(found: Sequence[str], name: str) -> str:
    return " and ".join(str(i) for i, other in enumerate(found, 1) if other == name)


def _lines(path: Path) -> Iterator[str]:
    """Decode line by line, so that a wrong byte is named with its place."""
    offset = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path} is not UTF-8: byte 0x{raw[error.start]:02x} at line {number}, "
                    f"column {error.start + 1} (byte {offset + error.start} of the file)",
                    f"save it as UTF-8, such as by `iconv -f WINDOWS-1252 -t UTF-8 {path.name}`",
                ) from error
            if "\0" in text:
                raise DataError(
                    f"{path} holds a NUL byte at line {number}, column {text.index(chr(0)) + 1}: "
                    "it is UTF-16 or no text file",
                    f"save it as UTF-8, such as by `iconv -f UTF-16 -t UTF-8 {path.name}`",
                )
            offset += len(raw)
            yield text


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
    reader = csv.reader(_lines(path), strict=True)
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
    for number, line in enumerate(_lines(path), 1):
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
