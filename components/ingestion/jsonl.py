"""In: a file with one JSON object per line. Out: its records as text; structure stays JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.ingestion.decoding import Record, require_columns, text_lines
from components.ingestion.strict import hooks


class Number(str):
    """A number in the spelling that the file has."""

    __slots__ = ()


def read_jsonl(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a file with one JSON object per line; numbers keep the spelling they have.

    A list or an object becomes JSON text: without spaces, its keys in the order of the file.
    """
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        record = parse_object(line, where)
        require_columns(where, columns, list(record))
        yield {name: cell(record[name], where, name) for name in columns}


def parse_object(line: str, where: str) -> Mapping[str, Any]:
    """Return the object of one line; its numbers keep the spelling they have.

    Raises:
        DataError: it is no JSON, no object, or a key stands twice.
    """
    try:
        value = json.loads(line, parse_int=Number, parse_float=Number, **hooks(where))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}, column {error.colno}: not valid JSON: {error.msg}",
            "write one JSON object per line",
        ) from error
    except RecursionError as error:
        raise DataError(f"{where}: nested too deeply to be read", "write it flatter") from error
    if not isinstance(value, dict):
        found = "number" if isinstance(value, Number) else type(value).__name__
        raise DataError(
            f"{where}: expected an object, found {found}",
            'write one JSON object per line, such as {"text": "...", "label": "..."}',
        )
    return value


def cell(value: object, where: str, name: str) -> str | None:
    """Return a parsed value as text; a list or an object as JSON, null as missing.

    Raises:
        DataError: it cannot be written as UTF-8.
    """
    if value is None:
        return None
    text = str(value) if isinstance(value, str) else _json(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: column {name!r} holds half a surrogate pair at character {error.start + 1}",
            "write the whole character, or leave it out",
        ) from error
    return text


def _json(value: object) -> str:
    """Return a parsed value as JSON text again; what it says is not touched."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
