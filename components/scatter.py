"""In: answered shares, and the true ones. Out: how far they scatter, and how surely one is near."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Nothing is more certain: keeps divisions finite at the ends of a range.
LEAST: Final = 1e-6


def sigmoid(logits: Array) -> Array:
    """Return shares in [0, 1], in float64, without overflow."""
    shares: Array = (1 + np.tanh(logits.astype(np.float64) / 2)) / 2
    return shares


def scatter(found: Array, true: Array) -> float:
    """Return the variance of true shares about the answers p, as a part of p (1 - p), in (0, 1].

    By the method of moments: the variance of a Beta distribution with mean p is p (1 - p) / (1 +
    its precision); Ferrari and Cribari-Neto, Journal of Applied Statistics 31, 2004.

    Args:
        found: (rows,) answers.
        true: (rows,) what is right.
    """
    most = float((found * (1 - found)).mean())
    return min(max(float(((true - found) ** 2).mean()) / max(most, LEAST), LEAST), 1.0)


def chance_within(part: float, tolerance: float, scattered: float) -> float:
    """Return the share of a normal distribution about an answer that lies within a tolerance."""
    deviation = math.sqrt(scattered * max(part * (1 - part), LEAST))
    return math.erf(tolerance / (deviation * math.sqrt(2)))
