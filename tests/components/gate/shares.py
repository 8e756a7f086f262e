"""In: hits. Out: tallies and score of the simplest figure there is, to try statistics on."""

from __future__ import annotations

import numpy as np

from components.tasks.base import Array


def shares(hits: Array) -> Array:
    """Return (examples, 2): whether hit, and 1; the tallies of `share`."""
    return np.stack([np.asarray(hits, dtype=np.float64), np.ones(len(hits))], axis=1)


def share(tallies: Array) -> Array:
    """Return the share of hits, (...), of summed (..., 2) tallies; NaN where there are none."""
    hits, rows = tallies[..., 0], tallies[..., 1]
    return np.where(rows > 0, hits / np.maximum(rows, 1), np.nan)
