"""In: a comparison as it was measured. Out: what it would have found, and how many rows settle it.

Both take the estimate as normal about the truth, and a rule as one bound of a two-sided interval:
not inferior, or superior, is shown when estimate - z se > required.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.stats import norm

# Of an experiment that is worth its labels: Cohen, Statistical Power Analysis, 1988.
POWER: Final = 0.8
# Further rows, as a multiple of those there are, beyond which nobody would label.
FURTHER: Final = 100


@dataclass(frozen=True)
class Measured:
    """What was measured of a difference, on all rows or within a slice.

    Attributes:
        estimate: candidate less champion.
        se: its standard error.
        rows: examples that it was measured on.
    """

    estimate: float
    se: float
    rows: int


def held(measured: Measured, change: float, required: float, confidence: float) -> float:
    """Return how often a candidate is not shown to be above `required` when `change` is the truth.

    Such a candidate has as much noise as the measured one, and `change` of its answers besides
    that all went one way. An answer that differs either way has variance p - d^2, p the share that
    differs and d the difference (McNemar; Connor, Biometrics 43, 1987), so one-way changes of |d|
    add |d| - d^2 per row; the measured difference's own are taken out first. With Holm's
    adjustment this is the rate for the slice that looks worst, which is tested last, unadjusted.

    Args:
        measured: of the comparison.
        change: the true difference, candidate less champion.
        required: the difference that must be exceeded, 0 or less the margin.
        confidence: of the two-sided interval.

    Returns:
        A probability; NaN where the measured values are.
    """
    if not (math.isfinite(measured.estimate) and math.isfinite(measured.se)) or not measured.rows:
        return math.nan
    noise = measured.se**2 - _one_way(measured.estimate) / measured.rows
    se = math.sqrt(max(noise, 0.0) + _one_way(change) / measured.rows) or math.ulp(1.0)
    return float(norm.cdf((required - change) / se + norm.isf((1 - confidence) / 2)))


def needed(measured: Measured, required: float, confidence: float, among: int) -> int | None:
    """Return how many further rows would settle an open comparison, four times in five.

    The standard error shrinks with the root of the rows: it is small enough when the estimate, if
    it stays, is z(confidence) + z(power) of it away from what is required (Chow, Shao and Wang,
    Sample Size Calculations in Clinical Research, 2008, section 3.2). Further rows come in groups
    like those there are.

    Args:
        measured: of the comparison.
        required: the difference that must be exceeded, 0 or less the margin.
        confidence: of the two-sided interval.
        among: how many comparisons must hold together: 1, or the judged slices, of which the first
            in Holm's order must be this sure.

    Returns:
        Rows, at least 1; None where the estimate is what is required, or where it would take more
        than 100 times the rows there are.
    """
    distance = abs(measured.estimate - required)
    sure = float(norm.isf((1 - confidence) / 2 / among) + norm.isf(1 - POWER))
    if not math.isfinite(distance) or not math.isfinite(measured.se) or distance == 0:
        return None
    times = (sure * measured.se / distance) ** 2
    if times > FURTHER + 1:
        return None
    return max(1, math.ceil(measured.rows * (times - 1)))


def _one_way(difference: float) -> float:
    """Return the variance, per row, of answers of which |difference| change, all one way."""
    return abs(difference) - difference**2
