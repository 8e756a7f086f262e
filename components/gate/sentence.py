"""In: a verdict's figures. Out: the verdict in one sentence for a person in a hurry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PLAIN: Final = {
    "macro_f1": "macro F1",
    "calibration_error": "calibration error",
    "accuracy_loss": "accuracy lost by int8",
    "latency_p95_ms": "latency p95",
    "size_mb": "size",
    "mcnemar": "McNemar test",
    "superior": "superiority",
    "non_inferior": "non-inferiority",
    "label_set": "label set",
    "new": "new bytes",
    "registered": "registered bytes",
    "report_digest": "report is about these bytes",
    "report_data": "report is about these examples",
    "trained_data": "trained model's report is about these examples",
    "report_metrics": "report's figures, predicted again",
}


def plain(name: str) -> str:
    """Return a rule's or metric's name in words."""
    return PLAIN.get(name, name.replace("_", " "))


def points(value: float) -> str:
    """Return points with their sign; 0 has none."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}".replace("-", "\N{MINUS SIGN}") if rounded else "0"


def sentence(verdict: Mapping[str, Any]) -> str:
    """Return the sentence; no figure stands in it without what it is."""
    candidate = f"version {verdict['candidate']['version']}"
    broken = [rule for rule in verdict["rules"] if rule["passed"] is False]
    if verdict["verdict"] == "promote":
        return f"Promote {candidate}: {_merits(verdict)}."
    if any(rule["name"] == "new" for rule in broken):
        return f"Hold: {candidate} is the champion already."
    if verdict["verdict"] == "undecidable":
        champion = f"version {verdict['champion']['version']}"
        found = verdict["comparison"]
        return (
            f"Undecidable: {candidate} {_gap(verdict)} champion {champion}, but the truth may lie "
            f"anywhere from {points(100 * found['low'])} to {points(100 * found['high'])}; "
            f"{champion} stays."
        )
    first = broken[0]
    others = len(broken) - 1
    more = (
        "" if not others else f" (and {others} more rule{'s are' if others > 1 else ' is'} broken)"
    )
    if verdict["comparison"] and first["interval"]:
        champion = f"champion version {verdict['champion']['version']}"
        return f"Hold {candidate}: it {_gap(verdict)} {champion}, which is not enough{more}."
    return (
        f"Hold {candidate}: {first['reason'].replace(first['name'], plain(first['name']))}{more}."
    )


def _merits(verdict: Mapping[str, Any]) -> str:
    held = sum(rule["passed"] is True for rule in verdict["rules"])
    rest = f"all {held} rules hold"
    if verdict["champion"] is None:
        return f"there is no champion yet, and {rest}"
    champion = f"champion version {verdict['champion']['version']}"
    found = verdict["comparison"]
    sure = f"with {100 * found['confidence']:g} % confidence"
    if verdict["promote_when"] == "superior":
        gap = f"it {_gap(verdict)} {champion}"
        return f"{gap}, by at least {100 * found['low']:.1f} {sure}, and {rest}"
    worse = f"no worse than {champion} by more than {max(0.0, -100 * found['low']):.1f} points"
    return f"it is {worse} {sure}, and {rest}"


def _gap(verdict: Mapping[str, Any]) -> str:
    found = verdict["comparison"]
    gap = round(100 * found["estimate"], 1)
    metric = plain(found["metric"])
    if gap == 0:
        return f"has the same {metric} as"
    return f"scores {abs(gap):.1f} points of {metric} {'above' if gap > 0 else 'below'}"
