"""In: p-values of questions that are asked together. Out: p-values that stay honest so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust so that all that are at most `alpha` are wrong together at most as often as `alpha`.

    Holm, Scandinavian Journal of Statistics 6, 1979; holds however the tests hang together.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    return [float(value) for value in adjusted]
