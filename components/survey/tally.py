"""In: the rows that passed, one by one. Out: counts of them, and a sample for what costs more."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from components.personal import masked, personal
from components.schema import ID, SLICE_PREFIX, SPLIT
from components.survey.languages import script
from components.tasks.base import Example, Task

EXAMPLES: Final = 1000
# A script that fewer of the rows are written in is not one of the data's own.
OWN_SCRIPT: Final = 0.05


@dataclass
class Kept:
    """So many rows, picked by their ids: which ones depends on no order, and on no other row."""

    most: int
    heap: list[tuple[int, Example]] = field(default_factory=list)

    def offer(self, row: Example) -> None:
        """Keep the row if its place is among the lowest."""
        place = -_place(row[ID])
        if len(self.heap) < self.most:
            heapq.heappush(self.heap, (place, _Row(row)))
        elif place > self.heap[0][0]:
            heapq.heapreplace(self.heap, (place, _Row(row)))

    @property
    def rows(self) -> list[Example]:
        """What was kept, by id."""
        return sorted((dict(row) for _, row in self.heap), key=lambda row: str(row[ID]))


class _Row(dict[str, object]):
    """A row in a heap: of two with one place the first stays."""

    def __lt__(self, other: object) -> bool:
        return False


@dataclass
class Tally:
    """What was counted.

    Attributes:
        sample: rows of all splits.
        test: rows of the test split.
        rows: by split.
        labels: rows with each label, by split.
        lengths: rows by characters.
        slices: rows of each value, by slice.
        scripts: rows by script.
        strangers: rows in each script, some of them.
        personal: rows with each kind of personal data.
        holders: rows with any.
        exposed: some of these, masked, with what they hold.
    """

    sample: Kept
    test: Kept
    rows: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lengths: Counter[int] = field(default_factory=Counter)
    slices: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    scripts: Counter[str] = field(default_factory=Counter)
    strangers: dict[str, list[Example]] = field(default_factory=lambda: defaultdict(list))
    personal: Counter[str] = field(default_factory=Counter)
    holders: int = 0
    exposed: list[tuple[Example, list[str]]] = field(default_factory=list)

    @property
    def foreign(self) -> list[str]:
        """The scripts that hardly any row is written in."""
        total = sum(self.scripts.values())
        return sorted(name for name, rows in self.scripts.items() if rows < OWN_SCRIPT * total)


def tally(task: Task, rows: Iterable[Example], phone_region: str | None, sample: int) -> Tally:
    """Count all rows, and keep some.

    Args:
        task: says what is a text, and what a label.
        rows: of all splits; they are read once.
        phone_region: whose phone numbers are known without +.
        sample: how many are kept.
    """
    found = Tally(Kept(sample), Kept(sample))
    for row in rows:
        text = task.content(row)
        found.rows[row[SPLIT]] += 1
        for label in set(task.tags(row)):
            found.labels[label][row[SPLIT]] += 1
        found.lengths[len(text)] += 1
        for name in row:
            if name.startswith(SLICE_PREFIX):
                found.slices[name.removeprefix(SLICE_PREFIX)][row[name] or ""] += 1
        _letters(found, row, text)
        _exposure(found, row, text, phone_region)
        found.sample.offer(row)
        if row[SPLIT] == "test":
            found.test.offer(row)
    return found


def _letters(found: Tally, row: Example, text: str) -> None:
    written = script(text)
    if written is None:
        return
    found.scripts[written] += 1
    if len(found.strangers[written]) < EXAMPLES:
        found.strangers[written].append(row)


def _exposure(found: Tally, row: Example, text: str, phone_region: str | None) -> None:
    kinds = sorted({span.label for span in personal(text, phone_region)})
    found.personal.update(kinds)
    found.holders += bool(kinds)
    if kinds and len(found.exposed) < EXAMPLES:
        found.exposed.append((row, kinds))


def shown(task: Task, row: Example, phone_region: str | None) -> str:
    """Return a row's text for a page: personal data in it are masked."""
    return masked(task.content(row), phone_region)


def _place(name: str) -> int:
    """Return where an id lies: ids of rows are hashes, and so without any order."""
    try:
        return int(name[:16], 16)
    except ValueError:
        return int.from_bytes(name.encode()[:8].ljust(8), "big")
