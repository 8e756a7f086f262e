"""In: how sure each answer was, and whether it was right. Out: the expected calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.tasks.base import Array


def calibration(confidence: Array, correct: Array, bins: int) -> dict[str, Any]:
    """Return the expected calibration error over equal-width bins, and the bins.

    ECE = sum over bins of rows / all rows * |accuracy - mean confidence| (Guo et al., 2017, "On
    Calibration of Modern Neural Networks", equation 3); a bin is open below and closed above.

    Args:
        confidence: (rows,) probability of each answer, in [0, 1].
        correct: (rows,) whether it was right.
        bins: how many.
    """
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    rows = np.bincount(index, minlength=bins)
    filled = np.maximum(rows, 1)
    sure = np.bincount(index, weights=confidence, minlength=bins) / filled
    right = np.bincount(index, weights=correct.astype(np.float64), minlength=bins) / filled
    return {
        "error": float((rows / rows.sum() * np.abs(right - sure)).sum()),
        "bins": [
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "rows": int(rows[i]),
                "confidence": float(sure[i]) if rows[i] else None,
                "accuracy": float(right[i]) if rows[i] else None,
            }
            for i in range(bins)
        ],
    }
