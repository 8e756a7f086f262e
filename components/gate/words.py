"""In: figures and texts of a verdict. Out: the same as a person reads them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final

from components.pages.words import (
    MISSING,
    TIMES,
    bounds,
    chance,
    cut,
    figure,
    name,
    percent,
    signed,
)

__all__ = [
    "ASKED",
    "STATES",
    "asked",
    "bounds",
    "chance",
    "changed",
    "cut",
    "figure",
    "name",
    "percent",
    "ratio",
    "signed",
]

ASKED: Final = {"least": "at least ", "most": "at most ", "above": "above ", "below": "below "}
STATES: Final = ("broken", "open", "waived", "holds", "informs")


def ratio(new: float | None, old: float | None) -> str:
    """Return how many times the old is the new."""
    return MISSING if new is None or not old else f"{new / old:.2f} {TIMES}"


def asked(rule: Mapping[str, Any]) -> str:
    """Return what a rule asks of its figure."""
    if rule.get("threshold") is None:
        return ""
    return ASKED.get(rule.get("bound", ""), "") + figure(rule["threshold"], rule.get("unit", ""))


def changed(before: str, after: str) -> list[tuple[bool, str]]:
    """Return the pieces of `after`, each with whether it is other than in `before`."""
    old, new = (re.split(r"(\s+)", cut(text)) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    pieces = [
        (tag != "equal", "".join(new[start:end])) for tag, _, _, start, end in matcher.get_opcodes()
    ]
    return [(other, piece) for other, piece in pieces if piece]
