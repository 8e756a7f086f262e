"""In: a JSON export of Label Studio. Out: its texts with their choices, or with their entities.

https://labelstud.io/guide/task_format: tasks > data, and annotations > result > value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import DataError
from components.ingestion.decoding import Record, require_columns
from components.ingestion.marks import (
    ENTITIES,
    LABEL,
    MARKS,
    MarkError,
    entities_cell,
    label_cell,
    labels_cell,
)
from components.ingestion.places import Place, parsed, shown
from components.spans import Span

SHAPE: Final = "Label Studio exports a JSON list of tasks (JSON, not JSON-MIN)"
# The types of results, and where their values are.
CHOICES: Final = "choices"
SPANS: Final = "labels"
TEXT_TYPES: Final = (str, int, bool, type(None))


def read_label_studio(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Yield the tasks of an export; every field of `data` is a column, and so is what was marked.

    Columns: `label`, the one choice; `labels`, a JSON array of choices; `entities`, JSON of
    character spans. Where several controls were offered, `label.sentiment` names one. Annotations
    that were cancelled do not count; those marked as ground truth stand alone; others must agree.
    A text that nobody annotated, or for which nothing was chosen, has no label.

    Raises:
        DataError: annotators differ, a span does not stand where it says, or more is marked than
            a column holds; names the place, such as [3].annotations[0].result[1].
    """
    asked = _Asked(columns)
    for task in Place(str(path), parsed(path, SHAPE)).items():
        if isinstance(task.value, dict) and "data" not in task.value:
            task.refuse(f"has no data; found: {', '.join(task.value)}", f"{SHAPE}: export it so")
        fields = task.get("data", dict)
        require_columns(
            f"{path}, {task.name}.data", columns, [*dict.fromkeys([*fields, *asked.marks])]
        )
        counted = _counted(task)
        yield {
            name: _agreed(task, counted, name, asked)
            if name in asked.marks
            else _plain(task.at("data").at(name))
            for name in columns
        }
    asked.require_controls(path)


class _Asked:
    """The columns that are wanted, and the controls that annotations were found to have."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns
        self.marks = [name for name in columns if name.partition(".")[0] in MARKS]
        self.met: dict[str, set[str]] = {CHOICES: set(), SPANS: set()}

    def require_controls(self, path: Path) -> None:
        """Check that every control that a column names was there at all."""
        for name in self.marks:
            column, _, control = name.partition(".")
            met = self.met[_kind(column)]
            if control and control not in met:
                raise DataError(
                    f"{path}: no annotation has the control {control!r}; found: "
                    + (", ".join(sorted(met)) or "none"),
                    f"name one of them in ingestion.columns, as {column}.NAME",
                )


def _kind(column: str) -> str:
    """Return the type of the results that a column is made of."""
    return SPANS if column == ENTITIES else CHOICES


def _plain(place: Place) -> str | None:
    """Return a field of the data as text."""
    value = place.value
    if type(value) not in TEXT_TYPES:
        place.refuse(f"expected text, found {shown(value)}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return place.writable()
    return None if value is None else str(value)


def _counted(task: Place) -> list[Place]:
    """Return the annotations that count."""
    given = [one for one in task.each("annotations") if not one.flag("was_cancelled")]
    return [one for one in given if one.flag("ground_truth")] or given


def _agreed(task: Place, counted: Sequence[Place], name: str, asked: _Asked) -> str | None:
    """Return what all annotations that count say."""
    if name in task.get("data", dict):
        task.refuse(
            f"both the data and the annotations have {name!r}",
            f"write {name}.NAME in ingestion.columns, with the name of the control",
        )
    values = list(dict.fromkeys(_cell(task, one, name, asked) for one in counted))
    if len(values) > 1:
        told = " and ".join("nothing" if value is None else value for value in values)
        task.refuse(
            f"annotators differ about {name}: {told}",
            "keep one annotation, or mark one as the ground truth",
        )
    return values[0] if values else None


def _cell(task: Place, annotation: Place, name: str, asked: _Asked) -> str | None:
    column, _, control = name.partition(".")
    found = _results(annotation, _kind(column), control, asked)
    try:
        if column == ENTITIES:
            return _entities(task.at("data"), annotation, found, asked)
        chosen = [one.writable() for result in found for one in result.at("value").each(CHOICES)]
        return label_cell(chosen) if column == LABEL else labels_cell(chosen)
    except MarkError as error:
        annotation.refuse(str(error))


def _entities(data: Place, annotation: Place, found: Sequence[Place], asked: _Asked) -> str:
    spans = [_span(data, result) for result in found]
    fields = sorted({field for field, _ in spans})
    if len(fields) > 1:
        annotation.refuse(f"spans lie in several fields: {', '.join(fields)}")
    if fields and fields[0] not in asked.columns:
        annotation.refuse(
            f"the spans lie in {fields[0]!r}, which is none of the columns that are read: "
            f"{', '.join(asked.columns)}",
            "name that field in ingestion.columns, as the text",
        )
    return entities_cell([span for _, span in spans], data.get(fields[0], str) if fields else "")


def _results(annotation: Place, kind: str, control: str, asked: _Asked) -> list[Place]:
    """Return the results of one control; without its name the file must have no other."""
    found = []
    for result in annotation.each("result"):
        # A choice with a start is one about a span.
        if result.get("type", str) == kind and (
            kind == SPANS or "start" not in result.get("value", dict)
        ):
            found.append((result.get("from_name", str), result))
    asked.met[kind] |= {name for name, _ in found}
    if not control and len(asked.met[kind]) > 1:
        met = sorted(asked.met[kind])
        annotation.refuse(
            f"there are several controls: {', '.join(met)}",
            f"name one in ingestion.columns, such as {LABEL}.{met[0]}",
        )
    return [result for name, result in found if not control or name == control]


def _span(data: Place, result: Place) -> tuple[str, Span]:
    """Return a span and the field in which it lies, and where its text must stand."""
    fields: dict[str, Any] = data.own(dict)
    field = result.get("to_name", str)
    if field not in fields and len(fields) == 1:
        (field,) = fields
    if field not in fields:
        result.refuse(
            f"to_name is {field!r}, which is no field of the data: {', '.join(fields) or 'none'}"
        )
    value = result.at("value")
    start, end = value.get("start", int), value.get("end", int)
    labels = [label.writable() for label in value.each(SPANS)]
    if len(labels) != 1:
        value.refuse(f"{len(labels)} labels where a span has one")
    there = data.get(field, str)[max(start, 0) : max(end, 0)]
    # Line breaks are quoted as \\n by some versions.
    quoted = value.get("text", str) if "text" in value.own(dict) else there
    if there not in (quoted, quoted.replace("\\n", "\n")):
        value.refuse(
            f"from character {start} to {end} of {field!r} stands {shown(there)}, not "
            f"{shown(quoted)} (old versions count an emoji as two)"
        )
    return field, Span(start, end, labels[0])
