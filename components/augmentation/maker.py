"""In: rows and an edit. Out: altered copies of some of the rows, and what was not made, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from components.augmentation.ways import Way
from components.near import NearCopies
from components.records import Example
from components.schema import EDIT, ID, PARENT_ID
from components.seeding import generator, unit_interval
from components.tasks.base import Task

UNCHANGED: Final = "unchanged"
NEAR_COPY: Final = "near_copy"
DUPLICATE: Final = "duplicate"
REASONS: Final = (UNCHANGED, NEAR_COPY, DUPLICATE)


@dataclass
class Maker:
    """Makes copies, and counts those that it does not make.

    Attributes:
        seed: of the project.
        task: says what a row asks.
        near: finds near-copies of held-out texts.
        taken: every text that exists; no copy repeats one.
    """

    seed: int
    task: Task
    near: NearCopies
    taken: set[str]
    chosen: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def copies(
        self, name: str, way: Way, share: float, rows: Sequence[Example]
    ) -> Iterator[Example]:
        """Yield an altered copy of about `share` of the rows."""
        self.chosen[name] += 0
        self.made[name] += 0
        chosen = [
            row for row in rows if unit_interval(self.seed, "augmentation", name, row[ID]) < share
        ]
        yield from self.altered(name, way, chosen)

    def altered(
        self, name: str, way: Way, rows: Sequence[Example], number: int | None = None
    ) -> Iterator[Example]:
        """Yield an altered copy of each row of which one can be made.

        Args:
            name: of the edit.
            way: the edit.
            rows: to be copied.
            number: of the copy, where an edit makes several of a row.
        """
        again = () if number is None else (number,)
        streams = [
            generator(self.seed, "augmentation", name, row[ID], "draw", *again) for row in rows
        ]
        for row, copy in zip(rows, way(rows, streams), strict=True):
            self.chosen[name] += 1
            if copy is None:
                self.dropped[UNCHANGED] += 1
                continue
            content = self.task.content(copy)
            if reason := self._refusal(content):
                self.dropped[reason] += 1
                continue
            self.made[name] += 1
            self.taken.add(content)
            mark = "+".join([row[ID], name, *map(str, again)])
            yield {**copy, ID: mark, PARENT_ID: row[ID], EDIT: name}

    def _refusal(self, content: str) -> str | None:
        if content in self.near:
            return NEAR_COPY
        return DUPLICATE if content in self.taken else None

    def figures(self) -> dict[str, Any]:
        """Return what was counted, by edit and by reason."""
        return {
            "edits": dict(self.made),
            "chosen": dict(self.chosen),
            "dropped": {reason: self.dropped[reason] for reason in REASONS},
        }
