"""In: a row. Out: what is wrong with it alone, and what of it is compared with other rows."""

from __future__ import annotations

import re
from typing import Final

from components.params import ValidationParams
from components.schema import Split
from components.tasks.base import Example, Task

PRIORITY: Final[tuple[Split, ...]] = ("test", "validation", "train")
REASONS: Final = (
    "missing_label",
    "unknown_label",
    "misplaced_label",
    "no_number",
    "out_of_range",
    "empty_text",
    "control_characters",
    "too_short",
    "too_long",
    "conflicting_label",
    "duplicate_text",
    "group_held_out",
    "variant_held_out",
)

# C0 and C1 controls but tab and line breaks, half surrogates, and the mark of a failed decoding.
_MANGLED: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd]")


def row_reason(task: Task, params: ValidationParams, row: Example, text: str) -> str | None:
    """Return what is wrong with a row on its own, or None; `text` is what it says."""
    if reason := task.reject(row):
        return reason
    length = len(text.strip())
    if not length:
        return "empty_text"
    if _MANGLED.search(text):
        return "control_characters"
    if length < params.min_characters:
        return "too_short"
    return "too_long" if len(text) > params.max_characters else None


def text_key(text: str) -> str:
    """Return a text as duplicates are compared: case folded, white space collapsed."""
    return " ".join(text.casefold().split())


def answer_of(task: Task, row: Example) -> tuple[object, ...]:
    """Return what a row says beside its inputs; one answer may be written in several ways."""
    if task.loss == "many_labels":
        return (task.truth(row),)
    return tuple([row[name] for name in task.columns if name not in task.inputs])
