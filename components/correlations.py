"""In: counts, or numbers. Out: correlations, from sums that can be taken over any rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Figures that may be as low as -1.
CORRELATIONS: Final = frozenset({"mcc", "pearson", "spearman"})
# A difference of two sums that is so small a share of them is rounding.
ROUNDING: Final = 1e-12


def matthews(hits: Array, true: Array, answered: Array) -> Array:
    """Return R_K, Matthews' correlation for any number of labels, from confusion counts.

    Gorodkin, Computational Biology and Chemistry 28, 2004. As in scikit-learn it is 0 where all
    rows have one label, or one answer.

    Args:
        hits: (...) rows that are answered rightly.
        true: (..., labels) rows with each label.
        answered: (..., labels) rows that each label is the answer to.
    """
    rows = true.sum(axis=-1)
    cross = hits * rows - (true * answered).sum(axis=-1)
    square = rows * rows
    spread = [(square, (counts * counts).sum(axis=-1)) for counts in (true, answered)]
    return correlation(cross, spread[0], spread[1], rows)


def correlation(
    cross: Array, one: tuple[Array, Array], other: tuple[Array, Array], rows: Array
) -> Array:
    """Return cross / sqrt(spread one * spread other), (...), in [-1, 1].

    Args:
        cross: (...) as of n * sum(xy) - sum(x) * sum(y).
        one: minuend and subtrahend of a spread, (...), as n * sum(xx) and sum(x) * sum(x).
        other: likewise.
        rows: (...) n; NaN comes of 0.

    Returns:
        0 where a spread is no more than rounding: what does not differ tells nothing.
    """
    flat = np.zeros(np.shape(rows), dtype=bool)
    spreads = []
    for most, less in (one, other):
        flat |= most - less <= ROUNDING * np.abs(most)
        spreads.append(np.maximum(most - less, 0))
    root = np.sqrt(spreads[0]) * np.sqrt(spreads[1])
    found = np.where(flat, 0.0, cross / np.where(flat, 1.0, np.where(root > 0, root, 1.0)))
    return np.where(rows > 0, np.clip(found, -1.0, 1.0), np.nan)


def products(x: Array, y: Array) -> list[Array]:
    """Return the five (rows,) whose sums make a correlation: x, y, xx, yy, xy."""
    return [x, y, x * x, y * y, x * y]


def ranks(values: Array) -> Array:
    """Return (rows,) the share of values below each, half of its equals included."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    ranks: Array = (below + (counts - 1) / 2)[place] / max(1, len(values))
    return ranks
