"""In: suspects. Out: the pairs of labels that are mistaken for one another, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from components.survey.suspects import Asked

LISTED: Final = 20
# One text that reads like another label is no pair.
LEAST: Final = 3


def pairs(asked: Asked, labels: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return both labels, how many rows of each read like the other, and their share of both.

    Args:
        asked: whose suspects have both labels.
        labels: of each row that was looked at.
    """
    rows = Counter(label for row in labels for label in set(row))
    directed = Counter((s.given, s.meant) for s in asked.suspects if s.given and s.meant)
    found: list[dict[str, Any]] = []
    for first, second in sorted({tuple(sorted(map(str, pair))) for pair in directed}):
        there, back = directed[first, second], directed[second, first]
        if there + back >= LEAST:
            share = (there + back) / max(1, rows[first] + rows[second])
            found.append({"labels": [first, second], "rows": [there, back], "share": share})
    return sorted(found, key=lambda pair: (-pair["share"], pair["labels"]))[:LISTED]
