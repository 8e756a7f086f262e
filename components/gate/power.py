"""In: a comparison as it was measured. Out: what it would have found, and how many rows settle it.

Both take the estimate as normal about the truth, and a rule as one bound of a two-sided interval:
not inferior, or superior, is shown when estimate - z se > required; where the spread over seeds is
known, a gain must reach further than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.stats import norm

from components.bootstrap import hidden
from components.gate.luck import Luck, reach

# Of an experiment that is worth its labels: Cohen, Statistical Power Analysis, 1988.
POWER: Final = 0.8
# As good as many seeds that do not differ: the examples alone decide.
CERTAIN: Final = Luck(0.0, 1)
# Further rows, as a multiple of those there are, beyond which nobody would label.
FURTHER: Final = 100


@dataclass(frozen=True)
class Right:
    """How many examples who answers right.

    Attributes:
        both: right by candidate and champion.
        fixed: right by the candidate alone.
        broken: right by the champion alone.
        neither: right by none.
    """

    both: int
    fixed: int
    broken: int
    neither: int


@dataclass(frozen=True)
class Measured:
    """What was measured of a difference, on all rows or within a slice.

    Attributes:
        estimate: candidate less champion.
        se: its standard error.
        rows: examples that it was measured on.
        right: who answers them right, where that is known.
    """

    estimate: float
    se: float
    rows: int
    right: Right | None = None


def held(
    measured: Measured,
    change: float,
    required: float,
    confidence: float,
    luck: Luck | None = None,
) -> float:
    """Return how often a candidate is not shown to be above `required` when `change` is the truth.

    Such a candidate answers as the measured one, but that some answers were turned, right or wrong,
    until `change` is true. With Holm's adjustment this is the rate for the slice that looks worst,
    which is tested last, unadjusted.

    Args:
        measured: of the comparison.
        change: the true difference, candidate less champion.
        required: the difference that must be exceeded, 0 or less the margin.
        confidence: of the two-sided interval.
        luck: of the seeds, where a gain must be more than that, too.

    Returns:
        A probability; NaN where the measured values are.
    """
    if not (math.isfinite(measured.estimate) and math.isfinite(measured.se)) or not measured.rows:
        return math.nan
    se = math.sqrt(_variance(measured, change)) or math.ulp(1.0)
    above = reach(se, luck or CERTAIN, confidence)
    return float(norm.cdf((required + above - change) / se))


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


def too_few(groups: int, margin: float, confidence: float) -> str:
    """Return, as the end of a sentence, that so few groups cannot show a model not inferior.

    Even two models that answer alike have an interval, which only groups make narrow. Empty where
    there are enough of them.

    Args:
        groups: that the models were compared on.
        margin: of non-inferiority, above 0.
        confidence: of the two-sided interval.
    """
    z = float(norm.isf((1 - confidence) / 2))
    if z * hidden(groups) < margin:
        return ""
    # Where z times `hidden` is the margin, and one more.
    fewest = math.floor(z * math.sqrt(2) / margin - 2) + 1
    return f"; {groups} groups are too few to show it even of equal models, which takes {fewest}"


def _variance(measured: Measured, change: float) -> float:
    """Return the variance of the estimate of a candidate of whom `change` is true.

    An answer that differs either way has variance p - d^2, p the share that differs and d the
    difference (McNemar; Connor, Biometrics 43, 1987). Where it is known who is right, answers of
    the measured candidate are turned: drawn from its wrong ones for a gain, from its right ones for
    a loss. Turned, an answer differs from the champion's that did not differ before, or the other
    way round: a gain partly undoes what was broken, so it adds little. Where it is not known, all
    are taken to differ from then on, and the measured difference's own are taken out first.
    """
    if measured.right is None:
        noise = measured.se**2 - _one_way(measured.estimate) / measured.rows
        return max(noise, 0.0) + _one_way(change) / measured.rows
    turned, right = change - measured.estimate, measured.right
    alike, apart = (right.neither, right.broken) if turned > 0 else (right.both, right.fixed)
    more = abs(turned) * (alike - apart) / max(alike + apart, 1)
    return max(measured.se**2 + (more - change**2 + measured.estimate**2) / measured.rows, 0.0)


def _one_way(difference: float) -> float:
    """Return the variance, per row, of answers of which |difference| change, all one way."""
    return abs(difference) - difference**2
