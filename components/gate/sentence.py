"""In: a verdict's figures. Out: the verdict in one sentence for a person in a hurry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.gate.catalogue import kind
from components.gate.words import name as plain
from components.gate.words import signed

# Figures of a number of examples that is only an estimate.
FIGURES: Final = 2

Found = Mapping[str, Any]


def sentence(verdict: Found) -> str:
    """Return the sentence; no figure stands in it without what it is."""
    candidate = f"version {verdict['candidate']['version']}"
    rules: Sequence[Found] = verdict["rules"]
    if verdict["verdict"] == "promote":
        return f"Promote {candidate}: {_merits(verdict)}."
    if verdict["verdict"] == "undecidable":
        return f"Undecidable: {_doubt(verdict, candidate)}; {_stays(verdict)}."
    broken = [rule for rule in rules if rule["state"] == "broken"]
    if any(rule["name"] == "new" for rule in broken):
        return f"Hold: {candidate} is the champion already."
    # What the evidence cannot carry comes before what it seems to say.
    first = min(broken, key=lambda rule: kind(rule["name"]).waivable)
    others = len(broken) - 1
    more = f" (and {others} more rule{'s are' if others > 1 else ' is'} broken)" if others else ""
    if first["name"] == verdict["promote_when"] and verdict["comparison"]:
        gap = f"it {_gap(verdict)} {_champion(verdict)} {_range(verdict)}"
        return f"Hold {candidate}: {gap}, which is not enough{more}."
    return f"Hold {candidate}: {first['title']}: {first['reason']}{more}."


def about(examples: int) -> str:
    """Return an estimated number of examples in so many figures as one may trust."""
    return f"{float(f'{examples:.{FIGURES}g}'):,.0f}"


def _merits(verdict: Found) -> str:
    states = [rule["state"] for rule in verdict["rules"]]
    waived = states.count("waived")
    rest = f"all {states.count('holds')} rules hold" + (
        f" but {waived}, which {'are' if waived > 1 else 'is'} waived" if waived else ""
    )
    found = verdict["comparison"]
    if verdict["champion"] is None:
        return f"there is no champion yet, and {rest}"
    if found is None:
        return rest
    if verdict["promote_when"] == "superior":
        return f"it {_gap(verdict)} {_champion(verdict)} {_range(verdict)}, and {rest}"
    lost = max(0.0, -100 * found["low"])
    metric = plain(found["metric"])
    most = f"at most {lost:.1f} points of {metric}"
    return f"it loses {most} against {_champion(verdict)}, and {rest}"


def _doubt(verdict: Found, candidate: str) -> str:
    rules = [rule for rule in verdict["rules"] if rule["state"] == "open"]
    first = rules[0]
    if first["name"] == verdict["promote_when"]:
        found = verdict["comparison"]
        low, high = signed(found["low"]), signed(found["high"])
        what = (
            f"{candidate} {_gap(verdict)} {_champion(verdict)}, but the truth may lie anywhere "
            f"from {low} to {high}"
        )
    else:
        others = f", and {len(rules) - 1} more are open" if len(rules) > 1 else ""
        what = f"{candidate}: {first['title']}: {first['reason']}{others}"
    needed = verdict["needed"]
    if needed is None:
        return f"{what}; no number of labelled examples within reach would settle it"
    examples = "example" if needed == 1 else "examples"
    return f"{what}; about {about(needed)} further labelled {examples} would settle it"


def _stays(verdict: Found) -> str:
    champion = verdict["champion"]
    return f"version {champion['version']} stays" if champion else "there is no champion yet"


def _champion(verdict: Found) -> str:
    return f"champion version {verdict['champion']['version']}"


def _range(verdict: Found) -> str:
    found = verdict["comparison"]
    sure = f"{100 * found['confidence']:g} % interval"
    return f"({sure} {signed(found['low'])} to {signed(found['high'])})"


def _gap(verdict: Found) -> str:
    found = verdict["comparison"]
    gap = round(100 * found["estimate"], 1)
    metric = plain(found["metric"])
    if gap == 0:
        return f"has the same {metric} as"
    return f"scores {abs(gap):.1f} points of {metric} {'above' if gap > 0 else 'below'}"
