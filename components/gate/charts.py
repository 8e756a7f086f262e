"""In: figures. Out: the geometry of the page's pictures, which its templates draw as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Share of the scale that stays empty at each end.
AIR: Final = 0.06
TICKS: Final = 6
STEPS: Final = (1, 2, 2.5, 5, 10)
WHOLE: Final = 100.0
# Shades of a cell: shares of its row up to these, and all above.
SHADES: Final = (0.02, 0.05, 0.15, 0.5)
SIDE: Final = 400
# Counts and numbers are legible in a cell of a matrix of so many labels.
LEGIBLE: Final = 20

Score = Mapping[str, float | None]
Matrix = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Scale:
    """A line of numbers, as per cent of its width.

    Attributes:
        low: the number at its left end.
        high: the number at its right end.
    """

    low: float
    high: float

    def at(self, value: float | None) -> float:
        """Return where a number lies; beyond an end it is that end."""
        if value is None:
            return 0.0
        share = (value - self.low) / (self.high - self.low)
        return round(WHOLE * min(1.0, max(0.0, share)), 2)

    def within(self, value: float | None) -> bool:
        """Return whether a number lies on the line."""
        return value is not None and self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """Return round numbers on the line, six at most."""
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * each for each in STEPS if power * each >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(index * step, 12) for index in range(first, last + 1)]


def scale(values: Iterable[float | None]) -> Scale:
    """Return a line on which all these numbers lie, with some air at its ends."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(found, default=0.0), max(found, default=1.0)
    if high - low < 1e-9:  # noqa: PLR2004 - one number alone
        low, high = low - 0.01, high + 0.01
    air = AIR * (high - low) / (1 - 2 * AIR)
    return Scale(low - air, high + air)


def reliability(bins: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return the bars of the reliability diagram in a square whose y points down."""
    return [
        {
            "x": round(SIDE * each["low"] + 1.5, 1),
            "width": round(SIDE * (each["high"] - each["low"]) - 3, 1),
            "accuracy": round(SIDE * each["accuracy"], 1),
            "claimed": round(SIDE * each["confidence"], 1),
        }
        for each in bins
        if each["rows"] and each["accuracy"] is not None and each["confidence"] is not None
    ]


def matrix(counts: Matrix) -> dict[str, Any]:
    """Return a confusion matrix as one path for each side of the diagonal and shade.

    A path for each shade, not a shape for each cell: 77 labels would be thousands of shapes.
    """
    size = max(len(counts), 1)
    step = SIDE / size
    paths: dict[tuple[str, int], list[str]] = {}
    cells = []
    for row, column, count, share in _filled(counts):
        side = "right" if row == column else "wrong"
        shade = sum(share > each for each in SHADES) + 1
        x, y, width = step * (column + 0.05), step * (row + 0.05), step * 0.9
        box = f"M{x:.1f} {y:.1f}h{width:.1f}v{width:.1f}h-{width:.1f}z"
        paths.setdefault((side, shade), []).append(box)
        cells.append({"x": step * (column + 0.5), "y": step * (row + 0.5), "n": count, "at": shade})
    return {
        "paths": [
            {"side": side, "shade": shade, "d": "".join(boxes)}
            for (side, shade), boxes in sorted(paths.items())
        ],
        "cells": cells if size <= LEGIBLE else [],
        "numbers": [step * (index + 0.5) for index in range(size)] if size <= LEGIBLE else [],
        "font": round(min(13.0, step * 0.45), 1),
    }


def mixed_up(
    labels: Sequence[str], own: Matrix, their: Matrix | None, most: int
) -> list[dict[str, Any]]:
    """Return the pairs of true label and answer that either model mixes up most often."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for index, counts in enumerate((own, their or [])):
        for row, column, count, _ in _filled(counts):
            if row != column:
                pairs.setdefault((row, column), [0, 0])[index] = count
    ranked = sorted(pairs.items(), key=lambda pair: (-max(pair[1]), -pair[1][0], pair[0]))
    return [
        {"gold": labels[row], "answer": labels[column], "own": new, "their": old}
        for (row, column), (new, old) in ranked[:most]
    ]


def by_label(labels: Sequence[str], own: Matrix, their: Matrix | None) -> list[dict[str, Any]]:
    """Return F1 of each label for both models, with how many test examples have it."""
    old = _f1(their) if their else [None] * len(labels)
    return [
        {"number": index + 1, "label": label, "rows": sum(own[index]), "own": new, "their": before}
        for index, (label, new, before) in enumerate(zip(labels, _f1(own), old, strict=True))
    ]


def _f1(counts: Matrix) -> list[float | None]:
    """Return 2 TP / (2 TP + FP + FN) of each label; None where it neither is nor is answered."""
    out: list[float | None] = []
    for index, row in enumerate(counts):
        both = sum(row) + sum(other[index] for other in counts)
        out.append(2 * row[index] / both if both else None)
    return out


def _filled(counts: Matrix) -> Iterable[tuple[int, int, int, float]]:
    """Yield row, column, count and share of the row of each cell that is not empty."""
    for row, line in enumerate(counts):
        total = sum(line)
        for column, count in enumerate(line):
            if count:
                yield row, column, count, count / total
