"""In: a gain, and what the best trials scored with several seeds. Out: is it more than luck.

A model that was trained again with another seed is truly better or worse by a little, and a large
test split shows it. To promote every lucky draw is to promote by chance: under `superior`, a gain
must exceed what another seed alone gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import t

from components.gate.rules import Rule, State, number
from components.gate.statistics import Difference
from components.gate.words import signed

NAME: Final = "beyond_luck"
# Each of the two models is one draw of its seed.
MODELS: Final = 2
PAIR: Final = 2


@dataclass(frozen=True)
class Luck:
    """How far trainings that differ by their seed alone lie apart.

    Attributes:
        spread: standard deviation of the score.
        freedom: degrees of freedom that it was estimated with.
    """

    spread: float
    freedom: int


def luck_of(finalists: Mapping[str, Any] | None) -> Luck | None:
    """Return the spread, pooled over the finalists of the search, or None where none has two seeds.

    Pooled variance: the sum of squares about each finalist's own mean, by the degrees of freedom.
    """
    listed = (finalists or {}).get("trials")
    squares, freedom = 0.0, 0
    for entry in listed if isinstance(listed, list) else []:
        scores = _scores(entry)
        if len(scores) >= PAIR:
            squares += float(np.var(scores) * len(scores))
            freedom += len(scores) - 1
    return Luck(math.sqrt(squares / freedom), freedom) if freedom else None


def beyond_luck(found: Difference, luck: Luck | None, confidence: float) -> Rule:
    """Return whether the gain exceeds what data and seeds together give by chance.

    The variances add up: se^2 of the test examples and 2 spread^2 of two trainings. The bounds are
    Student's, with the degrees of freedom of Welch and Satterthwaite (Biometrics Bulletin 2, 1946),
    so that a spread known from few seeds asks for more.
    """
    if luck is None:
        reason = "no finalist of the search was trained with a second seed"
        return Rule(NAME, "informs", reason, found.estimate, 0.0, unit="points", bound="above")
    above = reach(found.se, luck, confidence)
    low, high = number(found.estimate - above), number(found.estimate + above)
    if low is None or high is None:
        return Rule(NAME, "broken", "the difference is no finite number", None, 0.0, unit="points")
    state: State = "holds" if low > 0 else "broken" if high <= 0 else "open"
    what = {
        "holds": "more than another seed gives by chance",
        "broken": "no gain, whatever the seed",
        "open": "another seed may give as much by chance",
    }[state]
    reason = f"{what}: seeds lie {100 * luck.spread:.1f} points apart, by {luck.freedom + 1} scores"
    if state == "open":
        reason += f"; with that the difference lies between {signed(low)} and {signed(high)} points"
    return Rule(NAME, state, reason, found.estimate, 0.0, (low, high), "points", "above")


def reach(se: float, luck: Luck, confidence: float) -> float:
    """Return how far an estimate must lie from what it is to exceed.

    Args:
        se: its standard error over the examples.
        luck: of the seeds.
        confidence: of the two-sided interval.
    """
    seeds = MODELS * luck.spread**2
    variance = se**2 + seeds
    if seeds == 0 or not math.isfinite(variance):
        return float(t.isf((1 - confidence) / 2, math.inf) * math.sqrt(variance))
    freedom = luck.freedom * (variance / seeds) ** 2
    return float(t.isf((1 - confidence) / 2, freedom) * math.sqrt(variance))


def _scores(entry: object) -> Sequence[float]:
    """Return a finalist's scores; one that diverged with a seed is no finalist any more."""
    if not isinstance(entry, Mapping) or entry.get("reason"):
        return []
    listed = entry.get("scores")
    known = [number(score) for score in listed] if isinstance(listed, list) else []
    return [score for score in known if score is not None]
