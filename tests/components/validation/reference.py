"""In: the rows of three splits, all in memory. Out: what becomes of each, plainly computed.

What the stage finds batch by batch, in a database, is compared with this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from components.near import variant_key
from components.params import ValidationParams
from components.schema import GROUP, ID, Split
from components.tasks.base import Example, Task, said
from components.validation.rejection import PRIORITY, answer_of, row_reason, text_key


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
    """Tell usable rows from others."""
    reasons: dict[int, str] = {}
    rows = [(split, row) for split in PRIORITY for row in splits[split]]
    copies: dict[str, list[int]] = defaultdict(list)
    for index, (_, row) in enumerate(rows):
        if reason := row_reason(task, params, row, said(task, row)):
            reasons[index] = reason
        else:
            copies[text_key(said(task, row))].append(index)
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


def _copy_reasons(
    task: Task, rows: Sequence[tuple[Split, Example]], indices: Sequence[int]
) -> dict[int, str]:
    """Return reasons for all copies of one text but the one that is kept."""
    if len(indices) == 1:
        return {}
    first = min(indices, key=lambda i: (PRIORITY.index(rows[i][0]), rows[i][1][ID]))
    answer = answer_of(task, rows[first][1])
    differs = {i: answer_of(task, rows[i][1]) != answer for i in indices}
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
