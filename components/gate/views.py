"""In: a verdict. Out: what its page and its Markdown show, put in order, with nothing missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.difference import shifts
from components.gate import charts
from components.gate.words import STATES

Rows = Sequence[Mapping[str, Any]]

HEADINGS: Final = ("Against the champion", "Slices", "Limits", "Robustness", "Evidence")
# A heading with more rules than these shows those that hold as one line.
UNFOLDED: Final = 12
PAIRS: Final = 10
PROMOTABLE: Final = ("holds", "informs")
# What a verdict may lack: a gate that stopped early still gets its page.
EMPTY: Final[Mapping[str, Any]] = {
    "comparison": None,
    "champion": None,
    "power": [],
    "slices": [],
    "robustness": [],
    "parity": None,
    "calibration": None,
    "confusion": None,
    "by_label": None,
    "mistakes": None,
    "latency": None,
    "size_bytes": None,
    "difference": None,
    "leakage": None,
    "lineage": {},
    "seeds": None,
    "test_uses": None,
    "disagreements": [],
    "rules": [],
    "evidence": {},
    "needed": None,
    "groups": None,
}


def view(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of the templates."""
    full = {**EMPTY, **verdict}
    rules = full["rules"]
    return {
        "verdict": full,
        "champion": full["champion"],
        "comparison": full["comparison"],
        "states": {state: sum(r["state"] == state for r in rules) for state in STATES},
        "changes": [r for state in ("broken", "open") for r in rules if r["state"] == state],
        "waivers": [rule for rule in rules if rule.get("waiver")],
        "headings": headings(rules),
        "forest": forest(full["comparison"]),
        "scores": scores(full["scores"]),
        "slices": slices(full["slices"], rules),
        "flips": kinds(full["disagreements"]),
        "parity": kinds((full["parity"] or {}).get("flips") or []),
        "edits": robustness(full["robustness"], rules),
        "confusion": confusion(full["confusion"]),
        "by_label": labels(full["by_label"]),
        "mistakes": mistakes(full["mistakes"]),
        "reliability": reliability(full["calibration"]),
        "shifts": shifts(full["difference"]),
        "models": models(full),
        "seen_by": seen_by(rules),
    }


def seen_by(rules: Rows) -> list[str]:
    """Return the rules on the whole of the examples whose power is stated, by their titles."""
    asked = ("superior", "non_inferior", "beyond_luck")
    return [r["title"] for r in rules if r["name"] in asked and r["state"] != "informs"]


def headings(rules: Rows) -> list[dict[str, Any]]:
    """Return the rules under their headings; what holds comes last, and as a count where long."""
    named = dict.fromkeys([*HEADINGS, *(rule["heading"] for rule in rules)])
    out = []
    for title in named:
        under = [rule for rule in rules if rule["heading"] == title]
        folded = [r for r in under if r["state"] in PROMOTABLE and not r.get("waiver")]
        folded = folded if title == "Slices" and len(under) > UNFOLDED else []
        shown = [rule for rule in under if rule not in folded]
        if under:
            out.append({"title": title, "rules": shown, "folded": len(folded)})
    return out


def forest(comparison: Mapping[str, Any] | None) -> charts.Scale | None:
    """Return the line on which the difference, its interval, zero and the requirement lie."""
    if comparison is None:
        return None
    return charts.scale([0.0, *(comparison[k] for k in ("low", "estimate", "high", "required"))])


def scores(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each metric of both models, on one line of numbers per metric."""
    own, their = found.get("candidate") or {}, found.get("champion") or {}
    pairs = [(metric, own[metric], their.get(metric)) for metric in own]
    ends = [score[k] for _, *both in pairs for score in both if score for k in ("low", "high")]
    line = charts.scale(ends)
    return [
        {"metric": metric, "candidate": new, "champion": old, "scale": line}
        for metric, new, old in pairs
    ]


def slices(rows: Rows, rules: Rows) -> dict[str, Any]:
    """Return the slices, those first that need a look, on one line of numbers.

    Slices too small to be judged do not stretch the line: their intervals may leave it.
    """
    ranked = sorted(rows, key=lambda row: STATES.index(row["state"]))
    judged = [row for row in rows if row["judged"]] or list(rows)
    ends = [row.get(key) for row in judged for key in ("low", "estimate", "high")]
    limits = [r["threshold"] for r in rules if r["heading"] == "Slices" and r["unit"] == "points"]
    required = next((limit for limit in limits if limit is not None), None)
    known = any(end is not None for end in ends)
    return {
        "rows": ranked,
        "scale": charts.scale([0.0, required, *ends]) if known else None,
        "required": required,
    }


def kinds(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """Return changed answers by kind; broken ones first, since they are what a reader looks for."""
    order = ("broken", "fixed", "neutral", "other")
    found = {kind: [row for row in rows if row["kind"] == kind] for kind in order}
    return {kind: some for kind, some in found.items() if some}


def robustness(rows: Rows, rules: Rows) -> list[dict[str, Any]]:
    """Return the edits, each with the rule on it and all on one line of numbers."""
    asked = {r["name"].rpartition(":")[2]: r for r in rules if r["heading"] == "Robustness"}
    paired = [(row, asked.get(row["edit"])) for row in rows]
    ends = [row.get(key) for row in rows for key in ("low", "survived", "high")]
    limits = [rule["threshold"] for _, rule in paired if rule]
    line = charts.scale([1.0, *ends, *limits])
    return [
        {
            **row,
            "rule": rule,
            "required": rule["threshold"] if rule else None,
            "state": rule["state"] if rule else "informs",
            "scale": line,
        }
        for row, rule in paired
    ]


def confusion(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return both matrices' geometry and the pairs mixed up most often, if there are any."""
    if not found or not found.get("candidate"):
        return None
    names, own, their = found["labels"], found["candidate"], found.get("champion")
    return {
        "labels": names,
        "candidate": charts.matrix(own),
        "champion": charts.matrix(their) if their else None,
        "pairs": charts.mixed_up(names, own, their, PAIRS),
    }


def labels(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return F1 of each label for both models; none where answers are no labels."""
    own = (found or {}).get("candidate") or []
    return charts.by_label(own, (found or {}).get("champion") or [])


def mistakes(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return how often each model makes each kind of mistake that the task tells apart."""
    own, their = ((found or {}).get(who) or {} for who in ("candidate", "champion"))
    return [{"kind": kind, "own": own.get(kind), "their": their.get(kind)} for kind in own]


def reliability(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the reliability diagram of each model that has one."""
    return [
        {"who": who, **found[who], "bars": charts.reliability(found[who]["bins"])}
        for who in ("candidate", "champion")
        if found and found.get(who)
    ]


def models(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each model costs: latency and size."""
    latency, size = verdict["latency"] or {}, verdict["size_bytes"] or {}
    found = []
    for who in ("candidate", "champion"):
        if latency.get(who) or size.get(who):
            found.append({"who": who, "bytes": size.get(who), **(latency.get(who) or {})})
    return found
