"""In: how sure each answer was, and whether it was right. Out: the expected calibration error.

ECE = sum over bins of rows / all rows * |accuracy - mean confidence| (Guo et al., 2017, "On
Calibration of Modern Neural Networks", equation 3); bins are of equal width, open below and closed
above.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from components.tasks.base import Array


def calibration(confidence: Array, correct: Array, bins: int) -> dict[str, Any]:
    """Return the expected calibration error, and the bins.

    Args:
        confidence: (rows,) probability of each answer, in [0, 1].
        correct: (rows,) whether it was right.
        bins: how many.
    """
    sums = calibration_tallies(confidence, correct, bins).sum(axis=0)
    rows, sure, right = np.split(sums, 3)
    filled = np.maximum(rows, 1)
    return {
        "error": float(calibration_error(sums)),
        "bins": [
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "rows": int(rows[i]),
                "confidence": float(sure[i] / filled[i]) if rows[i] else None,
                "accuracy": float(right[i] / filled[i]) if rows[i] else None,
            }
            for i in range(bins)
        ],
    }


def calibration_tallies(confidence: Array, correct: Array, bins: int) -> Array:
    """Return (rows, 3 bins): per bin whether the row is in it, its confidence, whether right.

    Args:
        confidence: (rows,) probability of each answer, in [0, 1].
        correct: (rows,) whether it was right.
        bins: how many.
    """
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    inside = np.eye(bins)[index]  # (rows, bins)
    parts = [inside, inside * confidence[:, None], inside * correct[:, None]]
    return np.concatenate(parts, axis=1)


def calibration_error(sums: Array) -> Array:
    """Return the expected calibration error, (...), of summed tallies, (..., 3 bins).

    A bin weighs as many rows as it has, so its part is |right - confidence| over all rows.
    """
    rows, sure, right = np.split(sums, 3, axis=-1)
    total = np.maximum(rows.sum(axis=-1), 1)
    return cast(Array, np.abs(right - sure).sum(axis=-1) / total)
