"""In: the labels and spans that people gave to a text. Out: cells in the form that tasks read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Final

from components.spans import Span, write_spans

LABEL: Final = "label"
LABELS: Final = "labels"
ENTITIES: Final = "entities"
# The columns that annotation tools' exports have beside the fields of the data.
MARKS: Final = (LABEL, LABELS, ENTITIES)


class MarkError(ValueError):
    """What people marked is not what a column holds; says what it is."""


def label_cell(labels: Sequence[str]) -> str | None:
    """Return the one label of a text; None where nobody gave one.

    Raises:
        MarkError: there are several, or it is blank.
    """
    if len(labels) > 1:
        raise MarkError(f"{len(labels)} labels where one is needed: {', '.join(labels)}")
    return None if not labels else _sound(labels[0])


def labels_cell(labels: Sequence[str]) -> str | None:
    """Return all labels of a text as a JSON array; None where nobody gave one.

    Raises:
        MarkError: one stands twice, or is blank.
    """
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise MarkError(f"the label {twice[0]!r} is given twice")
    named = [_sound(label) for label in labels]
    return json.dumps(named, ensure_ascii=False) if named else None


def entities_cell(spans: Iterable[Span], text: str) -> str:
    """Return the spans of a text as canonical JSON; `[]` where there are none.

    Raises:
        MarkError: one is empty, lies beyond the text, or overlaps another.
    """
    placed = sorted(spans)
    for span in placed:
        _sound(span.label)
        if not 0 <= span.start < span.end <= len(text):
            raise MarkError(
                f"the span {_told(span)} is no part of the text, which has {len(text)} characters"
            )
    for before, after in itertools.pairwise(placed):
        if after.start < before.end:
            raise MarkError(f"the spans {_told(before)} and {_told(after)} overlap")
    return write_spans(placed)


def _told(span: Span) -> str:
    return f"{span.start} to {span.end} ({span.label})"


def _sound(label: str) -> str:
    if not label.strip():
        raise MarkError("a label is blank")
    try:
        label.encode()
    except UnicodeEncodeError as error:
        place = error.start + 1
        raise MarkError(f"a label holds half a surrogate pair at character {place}") from error
    return label
