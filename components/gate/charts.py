"""In: figures. Out: the geometry of the page's pictures, which its template draws as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

CONFUSED: Final = 10
# Share of the half scale that stays empty at its ends.
AIR: Final = 0.2


def interval(comparison: Mapping[str, Any]) -> dict[str, float]:
    """Return where difference, bounds, zero and requirement lie: percent of the scale's width."""
    values = {name: float(comparison[name]) for name in ("low", "estimate", "high", "required")}
    values["zero"] = 0.0
    reach = max(abs(value) for value in values.values()) / (1 - AIR) or 1.0
    return {name: round(50 + 50 * value / reach, 2) for name, value in values.items()}


def reliability(bins: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return the bars of the reliability diagram in a unit square whose y points down."""
    bars = []
    for each in bins:
        if each["rows"] and each["accuracy"] is not None:
            bars.append(
                {
                    "x": each["low"],
                    "width": each["high"] - each["low"],
                    "accuracy": each["accuracy"],
                    "confidence": each["confidence"],
                    "rows": each["rows"],
                }
            )
    return bars


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return the cells that are not empty, and the pairs that are mixed up most often."""
    cells: list[dict[str, Any]] = []
    for row, counts in enumerate(matrix):
        total = sum(counts)
        for column, count in enumerate(counts):
            if count:
                cells.append(
                    {
                        "row": row,
                        "column": column,
                        "count": count,
                        "share": count / total,
                        # A single mistake among hundreds must still be seen.
                        "opacity": round(0.15 + 0.85 * count / total, 2),
                        "gold": labels[row],
                        "answer": labels[column],
                    }
                )
    mistakes = [cell for cell in cells if cell["row"] != cell["column"]]
    mistakes.sort(key=lambda cell: (-cell["count"], -cell["share"]))
    return {"size": len(labels), "cells": cells, "mistakes": mistakes[:CONFUSED]}
