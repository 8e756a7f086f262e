"""In: figures, and what params ask of them. Out: rules with a state and a reason each.

A figure that is missing, not a number or infinite breaks its rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from components.gate.catalogue import kind
from components.gate.words import figure as told

LISTED: Final = 3

State = Literal["holds", "broken", "open", "informs", "waived"]
Unit = Literal["share", "points", "loss", "ms", "MB", "p", "ratio", "count", "digest"]
Bound = Literal["least", "most", "above", "none"]


@dataclass(frozen=True)
class Waived:
    """A person's leave to break a rule.

    Attributes:
        reason: why.
        by: who answers for it.
        until: last day, UTC, ISO 8601.
        expired: whether that day is over.
    """

    reason: str
    by: str
    until: str
    expired: bool


@dataclass(frozen=True)
class Rule:
    """One question that the gate asks, and its answer.

    Attributes:
        name: what is asked, as params.yaml calls it where it stands there.
        state: `open` when the data do not settle it; `informs` when nothing was asked.
        reason: the answer as a sentence for a person.
        figure: what was found, or None.
        threshold: what was asked, or None.
        interval: confidence bounds of the figure, or None.
        unit: of figure, threshold and interval.
        bound: on which side of the threshold the figure must lie.
        needed: further labelled examples that would settle it, or None where nobody knows.
        waiver: that names it, in force or expired.
    """

    name: str
    state: State
    reason: str
    figure: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    unit: Unit = "digest"
    bound: Bound = "none"
    needed: int | None = None
    waiver: Waived | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, with what is known of every rule of its name."""
        known = kind(self.name)
        return {
            **asdict(self),
            "interval": None if self.interval is None else list(self.interval),
            "title": known.title,
            "heading": known.heading,
            "cure": known.cure if self.state in {"broken", "open", "waived"} else "",
        }


@dataclass(frozen=True)
class Measure:
    """A figure with its confidence interval.

    Attributes:
        estimate: the figure.
        low: lower bound, or None where it is not known.
        high: upper bound, likewise.
        needed: further examples that would settle the question, should it be open.
    """

    estimate: float | None
    low: float | None
    high: float | None
    needed: int | None = None


def check(name: str, passed: bool, reason: str) -> Rule:
    """Return a rule that is a plain question."""
    return Rule(name, "holds" if passed else "broken", reason)


def agree(name: str, off: list[str], agreed: str) -> Rule:
    """Return a rule that is broken by whatever is off, the first few of which are told."""
    more = f" and {len(off) - LISTED} more" if len(off) > LISTED else ""
    return check(name, passed=not off, reason="; ".join(off[:LISTED]) + more if off else agreed)


def differ(what: str, expected: object, found: object) -> list[str]:
    """Return nothing where two things that must be one are one, or else what they are."""
    if expected == found and expected is not None:
        return []
    told = "missing" if found is None else str(found)
    return [f"{what}: expected {expected}, found {told}"]


def limit(
    name: str, figure: object, threshold: float, unit: Unit, bound: Literal["least", "most"]
) -> Rule:
    """Return whether a figure without an interval keeps its limit, as it is."""
    found = number(figure)
    if found is None:
        return _no_number(name, figure, threshold, unit, bound)
    passed = found >= threshold if bound == "least" else found <= threshold
    reason = f"{told(found, unit)} {_words(bound, passed)} {told(threshold, unit)}"
    state: State = "holds" if passed else "broken"
    return Rule(name, state, reason, found, threshold, unit=unit, bound=bound)


def bounded(
    name: str, found: Measure, threshold: float, unit: Unit, bound: Literal["least", "most"]
) -> Rule:
    """Return whether a figure keeps its limit wherever in its interval the truth lies.

    Holds: the whole interval does; broken: none of it does; open: the limit lies within.
    """
    low, high = number(found.low), number(found.high)
    value = number(found.estimate)
    if value is None or low is None or high is None:
        return _no_number(name, found.estimate, threshold, unit, bound)
    state: State
    if bound == "least":
        state = "holds" if low >= threshold else "broken" if high < threshold else "open"
    else:
        state = "holds" if high <= threshold else "broken" if low > threshold else "open"
    interval = f"({told(low, unit)} to {told(high, unit)})"
    words = _words(bound, state == "holds") if state != "open" else "may lie on either side of"
    return Rule(
        name,
        state,
        f"{told(value, unit)} {interval} {words} {told(threshold, unit)}",
        value,
        threshold,
        (low, high),
        unit,
        bound,
        found.needed if state == "open" else None,
    )


def number(value: object) -> float | None:
    """Return a finite number, or None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def at(tree: object, *names: str) -> Any:  # noqa: ANN401
    """Return a value deep in a report, or None where the path ends early."""
    for name in names:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _no_number(name: str, figure: object, threshold: float, unit: Unit, bound: Bound) -> Rule:
    what = "is missing" if figure is None else f"is no finite number: {figure}"
    return Rule(name, "broken", f"the figure {what}", None, threshold, unit=unit, bound=bound)


def _words(bound: Literal["least", "most"], passed: bool) -> str:
    if bound == "least":
        return "reaches the floor of" if passed else "is below the floor of"
    return "is within the limit of" if passed else "is above the limit of"
