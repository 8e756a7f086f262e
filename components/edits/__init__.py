"""In: a text and a random stream. Out: the same with one small change that keeps its meaning."""

from components.edits.decisive import DECISIVE, is_decisive
from components.edits.text import Edit, case, deletion, edits_by_name, punctuation, swap, typo

__all__ = [
    "DECISIVE",
    "Edit",
    "case",
    "deletion",
    "edits_by_name",
    "is_decisive",
    "punctuation",
    "swap",
    "typo",
]
