"""In: training rows and the copies that edits made. Out: more copies, of rows with rare labels."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from components.augmentation.maker import Maker
from components.augmentation.ways import Way
from components.records import Example
from components.schema import ID
from components.seeding import unit_interval

# Of one row; the params' docstring promises it.
MOST_COPIES: Final = 4


@dataclass
class Balance:
    """Copies rows for their labels' sake.

    Attributes:
        maker: makes the copies, and refuses what it always refuses.
        ways: the edits that are on.
        shares: of the edits that are on; copies are made by them in this proportion.
        made: copies made so far for each label.
    """

    maker: Maker
    ways: Mapping[str, Way]
    shares: Mapping[str, float]
    made: Counter[str] = field(default_factory=Counter)

    def copies(
        self, share: float, rows: Sequence[Example], copies: Iterable[Example]
    ) -> Iterator[Example]:
        """Yield copies until every label has this share of the most frequent one's rows.

        Labels are counted with all rows that have them, copies too; the rarest has its turn first.
        For a label those rows are copied of which it is the rarest, round by round: none a second
        time before each was tried once, and each `MOST_COPIES` times at most.

        Args:
            share: in (0, 1].
            rows: of training, by id, as they came.
            copies: that were made of them.
        """
        counts = self._count(rows)
        rarest = self._by_rarest_label(rows, counts)
        counts.update(self._count(copies))
        goal = math.ceil(share * max(counts.values(), default=0))
        for label in sorted(rarest, key=lambda label: (counts[label], label)):
            for number in range(1, MOST_COPIES + 1):
                queue = self._drawn(rarest[label], number)
                while queue and (lacking := goal - counts[label]) > 0:
                    batch, queue = queue[:lacking], queue[lacking:]
                    for copy in self._batch(batch, number):
                        counts.update(self._count([copy]))
                        self.made[label] += 1
                        yield copy

    def _count(self, rows: Iterable[Example]) -> Counter[str]:
        return Counter(tag for row in rows for tag in set(self.maker.task.tags(row)))

    def _by_rarest_label(
        self, rows: Sequence[Example], counts: Counter[str]
    ) -> Mapping[str, list[Example]]:
        found: dict[str, list[Example]] = defaultdict(list)
        for row in rows:
            if tags := self.maker.task.tags(row):
                found[min(tags, key=lambda tag: (counts[tag], tag))].append(row)
        return found

    def _drawn(self, rows: Sequence[Example], number: int) -> list[Example]:
        return sorted(rows, key=lambda row: self._draw("row", row, number))

    def _batch(self, rows: Sequence[Example], number: int) -> Iterator[Example]:
        by_edit: dict[str, list[Example]] = {name: [] for name in self.shares}
        for row in rows:
            by_edit[self._edit(row, number)].append(row)
        for name, own in by_edit.items():
            yield from self.maker.altered(name, self.ways[name], own, number)

    def _edit(self, row: Example, number: int) -> str:
        """Return the edit of a copy, drawn in proportion to the shares."""
        left = self._draw("edit", row, number) * sum(self.shares.values())
        for name, share in self.shares.items():
            left -= share
            if left < 0:
                return name
        return name

    def _draw(self, use: str, row: Example, number: int) -> float:
        return unit_interval(self.maker.seed, "augmentation", "balance", use, row[ID], number)
