"""In: a way to train. Out: how well it does with fewer labels, and what more would buy."""

from components.curve.foresight import Foresight, foresee
from components.curve.page import About, write_page
from components.curve.points import Point, keep, read_kept
from components.curve.subsets import Subset, subsets

__all__ = [
    "About",
    "Foresight",
    "Point",
    "Subset",
    "foresee",
    "keep",
    "read_kept",
    "subsets",
    "write_page",
]
