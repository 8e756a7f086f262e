"""In: figures and texts. Out: the same as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from components.markdown import clean

MISSING: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
PERCENT: Final = 100
# A p-value below it is not told apart from any other one.
LEAST: Final = 0.001
FORMS: Final = {
    "share": "{:.3f}",
    "score": "{:.4f}",
    "loss": "{:.1f} points",
    "ms": "{:.1f} ms",
    "MB": "{:.1f} MB",
    "ratio": f"{{:.2f}} {TIMES}",
    "count": "{:,.0f}",
}
# How a person calls the metrics that tasks have.
METRICS: Final = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "mcc": "Matthews correlation",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "exact_match": "exact match",
    "mrr": "mean reciprocal rank",
    "ndcg": "nDCG",
    "recall_at_1": "recall at 1",
    "recall_at_5": "recall at 5",
    "recall_at_10": "recall at 10",
    "in_scope_accuracy": "in-scope accuracy",
    "out_of_scope_recall": "out-of-scope recall",
}
NAMES: Final = {**METRICS, "int8": "int8", "onnx": "ONNX"}
# Below it a number reads better with a power of ten.
SMALL: Final = 1e-3
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR


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


def signed(value: float | None, decimals: int = 1) -> str:
    """Return a difference of shares in points, with its sign; 0 has none."""
    if value is None:
        return MISSING
    rounded = round(PERCENT * value, decimals)
    return f"{rounded:+.{decimals}f}".replace("-", MINUS) if rounded else "0"


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


def number(value: object) -> str:
    """Return a value of a parameter in three digits, as one would write it in params.yaml."""
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if value and abs(value) < SMALL:
        digits, power = f"{value:.2e}".split("e")
        return f"{float(digits):g}e{int(power)}".replace("-", MINUS)
    return f"{value:.3g}".replace("-", MINUS)


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units: 8.4 s, 3 min 20 s, 2 h 05 min, 3 d 4 h."""
    if seconds is None:
        return MISSING
    whole = round(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def name(text: object) -> str:
    """Return the name of a metric, an edit or a column in words."""
    return NAMES.get(str(text), str(text).replace("_", " "))


def capital(text: object) -> str:
    """Return it with a capital, the rest as it is."""
    return str(text)[:1].upper() + str(text)[1:]


def cut(text: object, longest: int = 400) -> str:
    """Return the start of a text: examples are for reading, not for keeping."""
    whole = clean(str(text))
    return whole if len(whole) <= longest else f"{whole[:longest].rstrip()} …"


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
