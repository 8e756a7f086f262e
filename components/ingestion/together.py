"""In: records, one by one. Out: some at a time: so many, or fewer where they are long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

BATCH_ROWS: Final = 8192
# However long rows are, memory holds no more of them.
BATCH_CHARACTERS: Final = 16 << 20

R = TypeVar("R", bound=Mapping[str, Any])


def together(records: Iterable[R]) -> Iterator[list[R]]:
    """Yield records in their order, until a batch has its rows or its characters."""
    batch: list[R] = []
    size = 0
    for record in records:
        batch.append(record)
        size += characters(record)
        if len(batch) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def characters(record: Mapping[str, Any]) -> int:
    """Return how long the texts of a record are."""
    return sum(len(value) for value in record.values() if isinstance(value, str))
