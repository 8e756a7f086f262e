"""In: a profile of the champion's data, and the candidate's data. Out: what is new in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from components.profile import FORMAT, frequent, hash_word, profile_with_words
from components.schema import SPLITS
from components.tasks.base import Task

LISTED: Final = 20
SHIFTS: Final = 10


def difference(task: Task, before: Mapping[str, Any] | None, folder: Path) -> dict[str, Any] | None:
    """Compare the candidate's data with what is known of the champion's.

    Args:
        task: the candidate's.
        before: `profile` of the champion's data; None when it was not kept.
        folder: the candidate's data, one Parquet file per split.

    Returns:
        rows, labels, characters and vocabulary, before and now; `new` is the share of today's words
        that were not there, `examples` the most frequent of them. None when there is nothing to
        compare with.

    Raises:
        DataError: a split is absent or is no Parquet.
    """
    if before is None or before.get("format") != FORMAT:
        return None
    now, counted = profile_with_words(task, folder)
    known = set(before["vocabulary"])
    words = frequent(counted)  # readable, since these data are here
    new = [word for word in words if hash_word(word) not in known]
    return {
        "rows": {split: [before["rows"].get(split, 0), now["rows"][split]] for split in SPLITS},
        "labels": [
            {
                "label": label,
                "before": before["labels"].get(label, 0.0),
                "now": now["labels"].get(label, 0.0),
            }
            for label in sorted({*before["labels"], *now["labels"]})
        ],
        "characters": {"before": before["characters"], "now": now["characters"]},
        "vocabulary": {
            "before": before["words"],
            "now": now["words"],
            "new": len(new) / len(words) if words else 0.0,
            "examples": new[:LISTED],
        },
    }


def shifts(difference: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the labels whose share moved most since the champion's data."""
    moved: Iterable[Mapping[str, Any]] = (difference or {}).get("labels") or []
    pairs = [{**row, "by": (row["now"] or 0.0) - (row["before"] or 0.0)} for row in moved]
    return sorted(pairs, key=lambda row: -abs(row["by"]))[:SHIFTS]
