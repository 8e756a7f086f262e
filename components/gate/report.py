"""In: a verdict and the reports behind it. Out: one HTML file that opens offline and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import TouchstoneError
from components.files import read_json, write_text
from components.gate import charts
from components.gate.sentence import plain, points

ARTIFACTS: Final = {"trained": "trained, torch", "onnx": "ONNX, fp32", "int8": "int8, served"}
TEMPLATE: Final = "report.html"
MISSING: Final = "\N{EN DASH}"
AGAINST: Final = ("superior", "non_inferior", "mcnemar", "label_set", "new")
PERCENT: Final = 100
FORMS: Final = {"loss": "{:.1f} points", "ms": "{:.1f} ms", "MB": "{:.1f} MB", "p": "p = {:.3f}"}
# Example texts are for reading, not for keeping.
LONGEST_TEXT: Final = 400


def render(verdict: Mapping[str, Any], evaluation: Path, parity: Path, out: Path) -> None:
    """Write the page.

    Args:
        verdict: as `decide` gives it.
        evaluation: folder with the reports of all artifacts; a missing one leaves its part out.
        parity: report on torch against int8; likewise.
        out: the HTML file.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.gate", ""),
        # Texts are the users' own and may hold anything.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "figure": figure,
        "signed": signed,
        "score": score,
        "short": lambda digest: str(digest or MISSING)[:12],
        "cut": lambda text: text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …",
    }
    reports = {name: _read(evaluation / f"{name}.json") for name in ARTIFACTS}
    page = environment.get_template(TEMPLATE).render(
        verdict=verdict,
        comparison=verdict["comparison"],
        interval=charts.interval(verdict["comparison"]) if verdict["comparison"] else None,
        artifacts=ARTIFACTS,
        reports=reports,
        served=reports["int8"],
        reliability=_reliability(reports["int8"]),
        confusion=_confusion(reports["int8"]),
        parity=_read(parity),
        changes=changes(verdict),
        groups=groups(verdict["rules"]),
    )
    write_text(out, page)


def groups(rules: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rules under the three headings of the table, each in the order of the verdict."""
    out: dict[str, list[Mapping[str, Any]]] = {
        "Against the champion": [],
        "Limits": [],
        "Evidence": [],
    }
    for rule in rules:
        if rule["name"] in AGAINST:
            out["Against the champion"].append(rule)
        else:
            out["Evidence" if rule["bound"] == "none" else "Limits"].append(rule)
    return {title: found for title, found in out.items() if found}


def figure(value: float | None, unit: str) -> str:
    """Return a figure of a rule as a person reads it."""
    if value is None:
        return MISSING
    if unit == "points":
        return f"{signed(value)} points"
    form = FORMS.get(unit, "{:.3f}")
    return form.format(PERCENT * value if unit == "loss" else value)


def signed(value: float) -> str:
    """Return a difference of shares in points, with its sign."""
    return points(PERCENT * value)


def score(value: float | None) -> str:
    """Return a score with three decimals, or nothing."""
    return "" if value is None else f"{value:.3f}"


def changes(verdict: Mapping[str, Any]) -> list[str]:
    """Return what would have to change for another verdict, one sentence per broken rule."""
    out = []
    for rule in verdict["rules"]:
        if rule["passed"] is not False:
            continue
        name, unit = plain(rule["name"]), rule["unit"]
        limit = figure(rule["threshold"], unit)
        found = figure(rule["figure"], unit)
        match rule["bound"]:
            case "least":
                out.append(f"{name} at {limit} or more; it is {found}")
            case "most":
                out.append(f"{name} at {limit} or less; it is {found}")
            case "above":
                low = figure(rule["interval"][0], unit)
                out.append(
                    f"{name}: a lower confidence bound above {limit}; it is {low}. A larger gain "
                    "or more test examples raise it"
                )
            case _:
                out.append(f"{name}: {rule['reason']}")
    return out


def _read(path: Path) -> dict[str, Any]:
    """Return a report, or nothing where it is missing: the rules say so, the page leaves it out."""
    try:
        value = read_json(path)
    except (TouchstoneError, OSError):
        return {}
    return value if isinstance(value, dict) else {}


def _reliability(served: Mapping[str, Any]) -> list[dict[str, float]]:
    return charts.reliability(served["calibration"]["bins"]) if "calibration" in served else []


def _confusion(served: Mapping[str, Any]) -> dict[str, Any] | None:
    if "confusion" not in served or "labels" not in served:
        return None
    labels = [str(row["label"]) for row in served["labels"]]
    return charts.confusion(labels, served["confusion"])
