"""In: measured figures, and what params ask of them. Out: floors, ceilings, robustness, leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scipy.stats import norm

from components.gate.answers import Candidate
from components.gate.catalogue import ROBUST
from components.gate.power import Measured, needed
from components.gate.rules import Measure, Rule, at, bounded, check, limit, number
from components.params import GateParams

MEGABYTE: Final = 1e6
COPIES: Final = ("exact", "variants", "children")


def floors(params: GateParams, scores: Mapping[str, Mapping[str, Any]], rows: int) -> list[Rule]:
    """Return whether the candidate's own scores reach their floors, wherever the truth lies.

    Args:
        params: the floors and the confidence.
        scores: per metric: estimate, low, high, and se.
        rows: examples that they were measured on.
    """
    rules = []
    for name, asked in params.floors.items():
        found = scores.get(name, {})
        measure = _measure(found, asked, params.confidence, rows)
        rules.append(bounded(name, measure, asked, "share", "least"))
    return rules


def calibrated(params: GateParams, found: Mapping[str, Any], rows: int) -> Rule:
    """Return whether the calibration error stays under its ceiling, wherever the truth lies."""
    asked = params.ceilings.calibration_error
    measure = _measure(found, asked, params.confidence, rows)
    return bounded("calibration_error", measure, asked, "share", "most")


def served(params: GateParams, found: Candidate) -> list[Rule]:
    """Return what the way from torch to the served graph may cost, on these very examples."""
    most, torch, int8 = params.ceilings, found.trained, found.int8
    right = int(torch.right.sum())
    broken = int((torch.right & ~int8.right).sum())
    loss = float(torch.right.mean() - int8.right.mean())
    return [
        limit("accuracy_loss", loss, most.accuracy_loss, "loss", "most"),
        limit(
            "broken_share", broken / right if right else None, most.broken_share, "share", "most"
        ),
        limit("batch_dependent", found.dependent, most.batch_dependent, "count", "most"),
    ]


def costs(
    params: GateParams, latency: Mapping[str, Any], size: Mapping[str, int | None]
) -> list[Rule]:
    """Return the limits on time and size; a null limit is not asked, nor a ratio to no champion."""
    most = params.ceilings
    new, old = size["candidate"], size["champion"]
    rules = []
    if most.latency_p95_ms is not None:
        p95 = at(latency, "candidate", "p95_ms")
        rules.append(limit("latency_p95_ms", p95, most.latency_p95_ms, "ms", "most"))
    if latency.get("champion") is not None:
        ratio = latency.get("ratio")
        rules.append(limit("latency_ratio", ratio, most.latency_ratio, "ratio", "most"))
    if most.size_mb is not None:
        megabytes = None if new is None else new / MEGABYTE
        rules.append(limit("size_mb", megabytes, most.size_mb, "MB", "most"))
    if old is not None:
        times = None if new is None else new / old
        rules.append(limit("size_ratio", times, most.size_ratio, "ratio", "most"))
    return rules


def robust(params: GateParams, found: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Return whether enough answers survive each edit, wherever the truth lies.

    An edit that changed so few texts that even all of them could not show it only informs.
    """
    return [_survives(params, row) for row in found]


def copies(params: GateParams, found: Mapping[str, Any]) -> list[Rule]:
    """Return whether test examples stand in training, as they are, altered, or nearly."""
    counts = {name: number(found.get(name)) for name in COPIES}
    unknown = [name for name, count in counts.items() if count is None]
    told = ", ".join(f"{count or 0:.0f} {name}" for name, count in counts.items())
    reason = (
        "the training rows cannot be read"
        if unknown
        else f"of {found.get('rows')} test examples, these stand in training: {told}"
    )
    leaked = bool(unknown) or any(counts.values())
    most = params.ceilings.near_copy_share
    return [
        check("leakage", not leaked, reason),
        limit("near_copy_share", found.get("near_share"), most, "share", "most"),
    ]


def _survives(params: GateParams, row: Mapping[str, Any]) -> Rule:
    name, rows = f"{ROBUST}{row['edit']}", int(row["rows"])
    asked: float = getattr(params.robustness, row["edit"])
    z = float(norm.isf((1 - params.confidence) / 2))
    # Wilson's lower bound when all survive; a floor above what `rows` could show is asked anyway.
    most, shown = (count / (count + z * z) for count in (params.robustness.rows, rows))
    if not rows or shown < min(asked, most):
        reason = f"the edit changed {rows} test examples: too few to tell"
        share = number(row["survived"])
        return Rule(name, "informs", reason, share, asked, unit="share", bound="least")
    further = rows < params.robustness.rows
    found = {"estimate": row["survived"], "low": row["low"], "high": row["high"]}
    measure = _measure(found, asked, params.confidence, rows if further else 0)
    return bounded(name, measure, asked, "share", "least")


def _measure(found: Mapping[str, Any], asked: float, confidence: float, rows: int) -> Measure:
    """Return a figure with its interval, and the examples that would settle it, if more could."""
    estimate = found.get("estimate", found.get("error"))
    low, high = found.get("low"), found.get("high")
    if number(estimate) is None or number(low) is None or number(high) is None:
        return Measure(estimate, None, None)
    z = float(norm.isf((1 - confidence) / 2))
    measured = Measured(float(estimate), (float(high) - float(low)) / (2 * z), rows)  # type: ignore[arg-type]
    return Measure(estimate, low, high, needed(measured, asked, confidence, 1) if rows else None)
