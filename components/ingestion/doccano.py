"""In: a JSONL export of doccano. Out: its texts with their labels, or with their entities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import DataError
from components.ingestion.decoding import Record, require_columns, text_lines
from components.ingestion.jsonl import Number, cell, parse_object
from components.ingestion.marks import (
    ENTITIES,
    LABEL,
    MARKS,
    MarkError,
    entities_cell,
    label_cell,
    labels_cell,
)
from components.spans import Span

TEXT: Final = "text"
# The sides of a span: in projects of entities a list, in those of relations an object.
SIDES: Final = ("start_offset", "end_offset", "label")
CURE: Final = "mend it in doccano, and export it again"


def read_doccano(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream an export; every field of an object is a column, and so is what was marked.

    Columns: `label`, the one label; `labels`, a JSON array of them; `entities`, JSON of character
    spans. A text without labels has none of the first two: nobody may have looked at it. That it
    has no entities is `[]`: let doccano export approved documents only.

    Raises:
        DataError: a line is no such object, or what is marked is not what a column holds.
    """
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        record = parse_object(line, where)
        require_columns(where, columns, list(dict.fromkeys([*record, *MARKS])))
        try:
            yield {
                name: _marked(record, name) if name in MARKS else cell(record[name], where, name)
                for name in columns
            }
        except MarkError as error:
            raise DataError(f"{where}: {error}", CURE) from error


def _marked(record: Mapping[str, Any], column: str) -> str | None:
    given = [key for key in MARKS if key in record]
    if len(given) != 1:
        found = ", ".join(given) or f"none ({', '.join(record)})"
        raise MarkError(f"expected one of {', '.join(MARKS)}, found {found}")
    value = record[given[0]]
    items = [value] if isinstance(value, str) and not isinstance(value, Number) else value
    if not isinstance(items, list):
        raise MarkError(f"{given[0]!r} must hold a list")
    if column == ENTITIES:
        text = record.get(TEXT)
        if not isinstance(text, str):
            raise MarkError("'text' must hold the text in which the spans lie")
        return entities_cell([_span(item) for item in items], text)
    names = [_name(item) for item in items]
    return label_cell(names) if column == LABEL else labels_cell(names)


def _name(item: object) -> str:
    if isinstance(item, list | dict):
        raise MarkError("a span where a label is needed: entities are in the column 'entities'")
    if not isinstance(item, str) or isinstance(item, Number):
        raise MarkError(f"expected the name of a label, found {item}")
    return item


def _span(item: object) -> Span:
    sides = [item.get(side) for side in SIDES] if isinstance(item, dict) else item
    if not isinstance(sides, list) or len(sides) != len(SIDES):
        raise MarkError(f"expected a span, [start, end, label], found {item}")
    start, end, label = sides
    if not all(isinstance(side, Number) and side.isdigit() for side in (start, end)):
        raise MarkError(f"a span must begin and end at whole numbers, found {start} and {end}")
    return Span(int(start), int(end), _name(label))
