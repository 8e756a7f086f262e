"""In: figures, and what params ask of them. Out: rules that hold or are broken, with reasons.

A figure that is missing, not a number or infinite breaks its rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from components.params import GateParams

AGREE: Final = 1e-6
MEGABYTE: Final = 1e6

Unit = Literal["share", "points", "loss", "ms", "MB", "p", "digest", "count"]


@dataclass(frozen=True)
class Rule:
    """One question that the gate asks.

    Attributes:
        name: what is asked, as params.yaml calls it where it stands there.
        passed: the answer; None for a figure that only informs.
        figure: what was found, or None.
        threshold: what was asked, or None.
        interval: one-sided confidence bounds of the figure, or None.
        reason: the answer as a sentence for a person.
        unit: of figure, threshold and interval.
        bound: on which side of the threshold the figure must lie.
    """

    name: str
    passed: bool | None
    figure: float | None
    threshold: float | None
    interval: tuple[float, float] | None
    reason: str
    unit: Unit
    bound: Literal["least", "most", "above", "none"]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def at_least(name: str, figure: object, threshold: float, unit: Unit = "share") -> Rule:
    """Return whether a figure reaches its floor."""
    return _limit(name, figure, threshold, unit, "least")


def at_most(name: str, figure: object, threshold: float, unit: Unit = "share") -> Rule:
    """Return whether a figure stays under its ceiling."""
    return _limit(name, figure, threshold, unit, "most")


def same(name: str, expected: object, found: object, what: str) -> Rule:
    """Return whether two things that must be one are one; `what` says what, for a person."""
    passed = expected == found and expected is not None
    reason = f"{what}: they agree" if passed else f"{what}: expected {expected}, found {found}"
    return Rule(name, passed, None, None, None, reason, "digest", "none")


def different(candidate: str, champion: str) -> Rule:
    """Return whether the candidate is another bundle than the champion."""
    new = candidate != champion
    reason = "these bytes are not the champion's" if new else "these bytes are the champion already"
    return Rule("new", new, None, None, None, reason, "digest", "none")


def floors(
    params: GateParams, metrics: Mapping[str, float], reports: Mapping[str, Mapping[str, Any]]
) -> list[Rule]:
    """Return the absolute limits, which hold with or without a champion.

    Args:
        params: the limits.
        metrics: of the candidate, as predicted by the gate itself.
        reports: of the evaluation, by artifact; empty where a file is missing.
    """
    int8, floor, most = reports["int8"], params.floors, params.ceilings
    trained = number(_at(reports["trained"], "metrics", "accuracy"))
    own = number(metrics.get("accuracy"))
    loss = trained - own if trained is not None and own is not None else None
    size = number(int8.get("size_bytes"))
    return [
        at_least("accuracy", own, floor.accuracy),
        at_least("macro_f1", metrics.get("macro_f1"), floor.macro_f1),
        at_most("calibration_error", _at(int8, "calibration", "error"), most.calibration_error),
        at_most("accuracy_loss", loss, most.accuracy_loss, "loss"),
        at_most(
            "latency_p95_ms", _at(int8, "latency", "p95_ms"), most.latency_p95_ms or math.inf, "ms"
        ),
        at_most(
            "size_mb", None if size is None else size / MEGABYTE, most.size_mb or math.inf, "MB"
        ),
    ]


def genuine(
    digest: str,
    test: str,
    metrics: Mapping[str, float],
    reports: Mapping[str, Mapping[str, Any]],
    receipt: Mapping[str, Any],
) -> list[Rule]:
    """Return whether receipt and reports are about these bytes and these examples, and unedited.

    Args:
        digest: of the candidate's bundle.
        test: SHA-256 of the test examples.
        metrics: of the candidate, as predicted by the gate itself.
        reports: of the evaluation, by artifact.
        receipt: of the registration.
    """
    int8 = reports["int8"]
    return [
        same("registered", digest, receipt.get("digest"), "digest of bundle and receipt"),
        same("report_digest", digest, int8.get("digest"), "digest of bundle and int8 report"),
        same("report_data", test, int8.get("data"), "hash of test examples and int8 report"),
        same(
            "trained_data",
            test,
            reports["trained"].get("data"),
            "hash of test examples and trained report",
        ),
        _report_metrics(metrics, int8.get("metrics")),
    ]


def readable_parity(parity: Mapping[str, Any]) -> Rule:
    """Return whether torch and int8 were compared; the share of other answers informs."""
    rows, other = number(parity.get("rows")), number(_at(parity, "int8", "disagreements"))
    if not rows or other is None:
        return Rule(
            "parity",
            False,
            None,
            None,
            None,
            "the parity report is missing or has no figures",
            "share",
            "none",
        )
    reason = f"int8 answers {other:.0f} of {rows:.0f} validation texts otherwise than torch"
    return Rule("parity", True, other / rows, None, None, reason, "share", "none")


def number(value: object) -> float | None:
    """Return a finite number, or None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _limit(
    name: str, figure: object, threshold: float, unit: Unit, bound: Literal["least", "most"]
) -> Rule:
    found = number(figure)
    if found is None:
        what = "is missing" if figure is None else f"is no finite number: {figure}"
        return Rule(name, False, None, threshold, None, f"{name} {what}", unit, bound)
    passed = found >= threshold if bound == "least" else found <= threshold
    word = {
        ("least", True): "reaches the floor",
        ("least", False): "is below the floor",
        ("most", True): "is within the limit",
        ("most", False): "is above the limit",
    }[bound, passed]
    reason = f"{name} {found:.4g} {word} of {threshold:.4g}"
    return Rule(name, passed, found, threshold, None, reason, unit, bound)


def _report_metrics(own: Mapping[str, float], stored: object) -> Rule:
    stored = stored if isinstance(stored, Mapping) else {}
    off = []
    for name, value in own.items():
        told = number(stored.get(name))
        if told is None or number(value) is None or abs(told - value) > AGREE:
            off.append(f"{name} is {value:.6f} here and {stored.get(name)} in the report")
    reason = "report does not match: " + "; ".join(off) if off else "predicted again: they agree"
    return Rule("report_metrics", not off, None, None, None, reason, "digest", "none")


def _at(tree: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401
    """Return a value deep in a report, or None where the path ends early."""
    value: Any = tree
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
