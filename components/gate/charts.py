"""In: figures. Out: the geometry of the page's pictures, which its templates draw as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from components.pages.scales import Scale, scale

__all__ = ["Scale", "by_label", "matrix", "mixed_up", "reliability", "scale"]

# Shades of a cell: shares of its row up to these, and all above.
SHADES: Final = (0.02, 0.05, 0.15, 0.5)
SIDE: Final = 400
# Counts and numbers are legible in a cell of a matrix of so many labels.
LEGIBLE: Final = 20

Score = Mapping[str, float | None]
Table = Sequence[Mapping[str, Any]]
Matrix = Sequence[Sequence[int]]


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


def by_label(own: Table, their: Table) -> list[dict[str, Any]]:
    """Return F1 of each label for both models, with how many test examples have it."""
    mine, old = ({row["label"]: row for row in table} for table in (own, their))
    return [
        {
            "number": index + 1,
            "label": label,
            "rows": (mine.get(label) or old[label])["rows"],
            "own": mine.get(label, {}).get("f1"),
            "their": old.get(label, {}).get("f1"),
        }
        for index, label in enumerate(dict.fromkeys([*mine, *old]))
    ]


def _filled(counts: Matrix) -> Iterable[tuple[int, int, int, float]]:
    """Yield row, column, count and share of the row of each cell that is not empty."""
    for row, line in enumerate(counts):
        total = sum(line)
        for column, count in enumerate(line):
            if count:
                yield row, column, count, count / total
