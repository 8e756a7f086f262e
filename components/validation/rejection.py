"""In: the rows of the three splits. Out: those that can be used, and the others with a reason each.

A text stands once in the whole: the test split keeps it before validation, and that before train.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.near import variant_key
from components.params import ValidationParams
from components.schema import GROUP, ID, Split
from components.tasks.base import Example, Task, said

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


@dataclass(frozen=True)
class Sifted:
    """Rows by what became of them.

    Attributes:
        accepted: per split, the usable rows in file order.
        rejected: the others, each with its reason, in file order.
    """

    accepted: Mapping[Split, Sequence[Example]]
    rejected: Sequence[tuple[Example, str]]


def sift(task: Task, params: ValidationParams, splits: Mapping[Split, Sequence[Example]]) -> Sifted:
    """Tell usable rows from others; the order of rows within a split does not matter.

    One reason per row, the first that holds: what is wrong with the row alone, then with the row
    among the others. Of a text that stands several times, the split of highest priority keeps one
    copy when all its copies there agree on the label; the other copies are `duplicate_text`, or
    `conflicting_label` when their label differs from the kept one. When the copies within that
    split disagree, nobody knows which is right, and all copies are `conflicting_label`. A row whose
    group stands in a split of higher priority is `group_held_out`; one whose text stands there but
    for punctuation or Unicode form is `variant_held_out`. Within a split such variants stay.
    """
    reasons: dict[int, str] = {}
    rows = [(split, row) for split in PRIORITY for row in splits[split]]
    copies: dict[str, list[int]] = defaultdict(list)
    for index, (_, row) in enumerate(rows):
        if reason := row_reason(task, params, row):
            reasons[index] = reason
        else:
            copies[text_key(task, row)].append(index)
    for indices in copies.values():
        reasons |= _copy_reasons(task, rows, indices)
    for reason, key in (
        ("group_held_out", lambda row: row[GROUP]),
        ("variant_held_out", lambda row: variant_key(task.content(row))),
    ):
        reasons |= _held_out(rows, reasons, reason, key)
    accepted: dict[Split, list[Example]] = {split: [] for split in PRIORITY}
    for index, (split, row) in enumerate(rows):
        if index not in reasons:
            accepted[split].append(row)
    return Sifted(accepted, [(rows[index][1], reasons[index]) for index in sorted(reasons)])


def row_reason(task: Task, params: ValidationParams, row: Example) -> str | None:
    """Return what is wrong with a row on its own, or None."""
    if reason := task.reject(row):
        return reason
    text = said(task, row)
    length = len(text.strip())
    if not length:
        return "empty_text"
    if _MANGLED.search(text):
        return "control_characters"
    if length < params.min_characters:
        return "too_short"
    return "too_long" if len(text) > params.max_characters else None


def text_key(task: Task, row: Example) -> str:
    """Return the text as duplicates are compared: case folded, white space collapsed."""
    return " ".join(said(task, row).casefold().split())


def _answer(task: Task, row: Example) -> tuple[object, ...]:
    """Return what a row says beside its inputs; one answer may be written in several ways."""
    if task.loss == "many_labels":
        return (task.truth(row),)
    return tuple(row[name] for name in task.columns if name not in task.inputs)


def _copy_reasons(
    task: Task, rows: Sequence[tuple[Split, Example]], indices: Sequence[int]
) -> dict[int, str]:
    """Return reasons for all copies of one text but the one that is kept."""
    if len(indices) == 1:
        return {}
    first = min(indices, key=lambda i: (PRIORITY.index(rows[i][0]), rows[i][1][ID]))
    answer = _answer(task, rows[first][1])
    differs = {i: _answer(task, rows[i][1]) != answer for i in indices}
    if any(differs[i] for i in indices if rows[i][0] == rows[first][0]):
        return dict.fromkeys(indices, "conflicting_label")
    return {
        i: "conflicting_label" if differs[i] else "duplicate_text" for i in indices if i != first
    }


def _held_out(
    rows: Sequence[tuple[Split, Example]],
    reasons: Mapping[int, str],
    reason: str,
    key: Callable[[Example], str],
) -> dict[int, str]:
    """Return the reason for rows whose key a split of higher priority holds already."""
    holder: dict[str, Split] = {}
    return {
        index: reason
        for index, (split, row) in enumerate(rows)
        if index not in reasons and holder.setdefault(key(row), split) != split
    }
