"""In: errors at several numbers of labels. Out: the inverse power law that runs through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Exponents that are tried: those of learning curves in print lie between 0.07 and 1 (Hestness et
# al., arXiv:1712.00409; Rosenfeld et al., arXiv:1909.12673), and above 2 a curve is a step.
EXPONENTS: Final = np.geomspace(0.05, 2.0, 100)
TINY: Final = 1e-12


@dataclass(frozen=True)
class Law:
    """error(n) = rest + scale (n / unit)^-exponent, for each of several fits.

    Attributes:
        rest: (fits,) what no number of labels takes away, at least 0.
        scale: (fits,) the rest of the error at `unit` labels, at least 0.
        exponent: (fits,) how fast it falls.
        unit: labels.
    """

    rest: Array
    scale: Array
    exponent: Array
    unit: float

    def at(self, labels: npt.ArrayLike) -> Array:
        """Return (fits, ...) the error at so many labels."""
        ratio = np.asarray(labels, dtype=np.float64) / self.unit
        shape = (-1, *([1] * ratio.ndim))
        rest, scale, exponent = (v.reshape(shape) for v in (self.rest, self.scale, self.exponent))
        falling: Array = rest + scale * ratio ** (-exponent)
        return falling


def fit_law(labels: Array, errors: Array) -> Law:
    """Fit the law to each row of errors by least squares of the relative error.

    Relative, since the chance of a training moves a large error by more points than a small one.
    For each exponent the other two follow in closed form, both held at 0 or above; the exponent
    with the smallest sum wins. No start, no iteration, so that no fit can fail.

    Args:
        labels: (sizes,) rising.
        errors: (fits, sizes), above 0.
    """
    unit = float(labels[-1])
    weights = 1.0 / np.maximum(errors, TINY) ** 2
    best = np.full(len(errors), np.inf)
    found = np.zeros((3, len(errors)))
    for exponent in EXPONENTS:
        rest, scale = _linear((labels / unit) ** -exponent, errors, weights)
        model = rest[:, None] + scale[:, None] * (labels / unit) ** -exponent
        loss = (weights * (errors - model) ** 2).sum(axis=1)
        better = loss < best - TINY
        best = np.where(better, loss, best)
        found = np.where(better, np.stack([rest, scale, np.full_like(rest, exponent)]), found)
    return Law(found[0], found[1], found[2], unit)


def _linear(x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Return (fits,) rest and scale of y = rest + scale x, both at least 0, weighted.

    A least-squares problem in two unknowns that must not be negative has its optimum inside, or
    with one of them at 0.
    """
    w, wx, wxx = weights.sum(1), (weights * x).sum(1), (weights * x * x).sum(1)
    wy, wxy = (weights * y).sum(1), (weights * x * y).sum(1)
    spread = np.maximum(w * wxx - wx * wx, TINY)
    rest, scale = (wxx * wy - wx * wxy) / spread, (w * wxy - wx * wy) / spread
    flat, bare = scale < 0, (rest < 0) & (scale >= 0)
    rest = np.where(flat, wy / w, np.where(bare, 0.0, rest))
    scale = np.where(flat, 0.0, np.where(bare, wxy / wxx, scale))
    return rest, scale
