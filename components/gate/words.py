"""In: figures and texts of a verdict. Out: the same as a person reads them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.markdown import clean

MISSING: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
PERCENT: Final = 100
# A p-value below it is not told apart from any other one.
LEAST: Final = 0.001
FORMS: Final = {
    "share": "{:.3f}",
    "loss": "{:.1f} points",
    "ms": "{:.1f} ms",
    "MB": "{:.1f} MB",
    "ratio": f"{{:.2f}} {TIMES}",
    "count": "{:,.0f}",
}
ASKED: Final = {"least": "at least ", "most": "at most ", "above": "above ", "below": "below "}
NAMES: Final = {"macro_f1": "macro F1", "f1": "F1", "int8": "int8", "onnx": "ONNX"}
STATES: Final = ("broken", "open", "waived", "holds", "informs")


def figure(value: float | None, unit: str = "share") -> str:
    """Return a figure with its unit; `loss` and `points` are shares that read as points."""
    if value is None:
        return MISSING
    if unit == "points":
        return f"{signed(value)} points"
    if unit == "p":
        return f"p {chance(value)}" if value < LEAST else f"p = {chance(value)}"
    form = FORMS.get(unit, "{:.4g}")
    return form.format(PERCENT * value if unit == "loss" else value).replace("-", MINUS)


def bounds(interval: Sequence[float | None] | None, unit: str = "share") -> str:
    """Return both ends of an interval, the unit left to the figure beside it."""
    if interval is None or interval[0] is None or interval[1] is None:
        return ""
    return " to ".join(_bare(value, unit) for value in interval if value is not None)


def signed(value: float | None) -> str:
    """Return a difference of shares in points, with its sign; 0 has none."""
    if value is None:
        return MISSING
    rounded = round(PERCENT * value, 1)
    return f"{rounded:+.1f}".replace("-", MINUS) if rounded else "0"


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a share in per cent; only the whole is 100, only nothing is 0."""
    if value is None:
        return MISSING
    least = 10.0**-decimals
    shown = PERCENT * value
    if 0 < shown < least:
        return f"< {least:g} %"
    return f"> {PERCENT - least:g} %" if 0 < PERCENT - shown < least else f"{shown:.{decimals}f} %"


def chance(value: float | None) -> str:
    """Return a p-value."""
    if value is None:
        return ""
    return f"< {LEAST:g}" if value < LEAST else f"{value:.3f}"


def count(value: float | None) -> str:
    """Return a number of things."""
    return MISSING if value is None else f"{value:,.0f}"


def megabytes(value: float | None) -> str:
    """Return bytes in MB."""
    return MISSING if value is None else f"{value / 1e6:.1f} MB"


def ratio(new: float | None, old: float | None) -> str:
    """Return how many times the old is the new."""
    return MISSING if new is None or not old else f"{new / old:.2f} {TIMES}"


def name(text: object) -> str:
    """Return the name of a metric, an edit or a column in words."""
    return NAMES.get(str(text), str(text).replace("_", " "))


def capital(text: object) -> str:
    """Return it with a capital, the rest as it is."""
    return str(text)[:1].upper() + str(text)[1:]


def asked(rule: Mapping[str, Any]) -> str:
    """Return what a rule asks of its figure."""
    if rule.get("threshold") is None:
        return ""
    return ASKED.get(rule.get("bound", ""), "") + figure(rule["threshold"], rule.get("unit", ""))


def cut(text: object, longest: int = 400) -> str:
    """Return the start of a text: examples are for reading, not for keeping."""
    whole = clean(str(text))
    return whole if len(whole) <= longest else f"{whole[:longest].rstrip()} …"


def changed(before: str, after: str) -> list[tuple[bool, str]]:
    """Return the pieces of `after`, each with whether it is other than in `before`."""
    old, new = (re.split(r"(\s+)", cut(text)) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    pieces = [
        (tag != "equal", "".join(new[start:end])) for tag, _, _, start, end in matcher.get_opcodes()
    ]
    return [(other, piece) for other, piece in pieces if piece]


def _bare(value: float, unit: str) -> str:
    if unit == "points":
        return signed(value)
    if unit == "loss":
        return f"{PERCENT * value:.1f}".replace("-", MINUS)
    return (
        {"ms": "{:.1f}", "MB": "{:.1f}", "ratio": "{:.2f}", "count": "{:,.0f}"}.get(unit, "{:.3f}")
        .format(value)
        .replace("-", MINUS)
    )
