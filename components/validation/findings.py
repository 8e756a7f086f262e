"""In: broken rules, frames, rejected rows in figures. Out: one error: every figure, and a cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from components.errors import DataError
from components.validation.rules import COLUMNS, LABEL, LABELS
from components.validation.suite import Outcome

LISTED: Final = 30
_LIMITS: Final = {"min_value": "at least", "max_value": "at most"}


@dataclass(frozen=True)
class Rejected:
    """What errors and the start page tell of the rejected rows.

    Attributes:
        reasons: how many rows each has, the most frequent first.
        unknown: labels that the task does not list, with their rows, the most frequent first; as
            many as are named.
        unknown_labels: how many there are.
        examples: a few rows of each reason, their texts shortened.
    """

    reasons: Mapping[str, int]
    unknown: Mapping[str, int]
    unknown_labels: int
    examples: Sequence[Mapping[str, Any]]


def broken_rules(
    broken: Sequence[Outcome], frames: Mapping[str, pd.DataFrame], rejected: Rejected, report: Path
) -> DataError:
    """Return the error for these broken rules; unknown labels come ready to paste."""
    sentences = [f"{one.rule.name}: no, {_figures(one, frames, rejected)}" for one in broken]
    count = "1 rule" if len(broken) == 1 else f"{len(broken)} rules"
    places = {f" or {one.rule.suite}": None for one in broken if one.rule.suite}
    where = "the validation section" + "".join(places)
    cure = f"mend the source, or {where}; every rule: {report / 'index.html'}"
    of_labels = any(one.rule.options.get("column") == "unknown_labels" for one in broken)
    if rejected.unknown and of_labels:
        lines = "\n".join(f"    - {_yaml(label)}" for label in rejected.unknown)
        cure = (
            f"mend those rows, or add these lines to task.labels:\n{lines}\n  and otherwise {cure}"
        )
    return DataError(f"the data breaks {count}: {'; '.join(sentences)}", cure)


def _figures(one: Outcome, frames: Mapping[str, pd.DataFrame], rejected: Rejected) -> str:
    """Return what was found and what is allowed, in one clause."""
    if one.error:
        return f"it could not be computed ({one.error.splitlines()[0]})"
    column, limits = one.rule.options.get("column"), _limits(one)
    if "column_set" in one.rule.options:
        there = frames.get(one.rule.frame, frames[COLUMNS]).columns
        absent = [name for name in one.rule.options["column_set"] if name not in there]
        return f"missing {', '.join(absent)} (found {', '.join(there)})"
    if one.rule.frame == LABELS and column != LABEL and _LIMITS.keys() & one.rule.options.keys():
        return f"{_labels(one, frames[LABELS])} ({limits})"
    if column == "unknown_labels":
        return f"{one.observed} ({limits}): {_listed(rejected.unknown, rejected.unknown_labels)}"
    if column == "reject_share":
        return f"{one.observed:.4g} ({limits}): {_listed(rejected.reasons)}"
    return f"{_values(one)} ({limits})"


def _values(one: Outcome) -> str:
    """Return the figure that was observed, or how many values are wrong, and some of them."""
    if not isinstance(one.observed, dict):
        return f"found {one.observed}"
    rows = one.observed["unexpected"]
    examples = ", ".join(one.observed.get("examples", []))
    return ("1 row" if rows == 1 else f"{rows} rows") + (examples and f", such as {examples}")


def _labels(one: Outcome, frame: pd.DataFrame) -> str:
    """Return the labels on the wrong side of a limit, with their figures."""
    values = frame[one.rule.options["column"]]
    low = one.rule.options.get("min_value", float("-inf"))
    high = one.rule.options.get("max_value", float("inf"))
    wrong = frame.loc[values.notna() & ~values.between(low, high), LABEL]
    return _listed({str(label): round(float(values[i]), 4) for i, label in wrong.items()})


def _limits(one: Outcome) -> str:
    words = _LIMITS | {"type_": "must be"}
    options = one.rule.options
    parts = [f"{words[k]} {v}" for k, v in options.items() if k in words]
    if "value_set" in options:
        negated = "must be none of " if "ToNotBe" in one.rule.expectation else "must be among "
        parts.append(negated + ", ".join(map(str, options["value_set"])))
    told = {*words, "value_set", "column", "column_set", "exact_match"}
    parts += [f"{k.replace('_', ' ')} {v}" for k, v in options.items() if k not in told]
    return " and ".join(parts) or "none allowed"


def _listed(figures: Mapping[str, float], there: int = 0) -> str:
    """Return the first figures with their names, and how many of those there are are left out."""
    shown = [f"{name} {figure:g}" for name, figure in list(figures.items())[:LISTED]]
    more = max(there, len(figures)) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _yaml(label: str) -> str:
    """Quote a label where YAML would read it as something else."""
    plain = label.replace("_", "a").replace("-", "a").isalnum() and not label[0].isdigit()
    words = {"true", "false", "null", "yes", "no", "on", "off", "nan"}
    if plain and label.casefold() not in words and label[0] != "-":
        return label
    return '"' + label.replace("\\", "\\\\").replace('"', '\\"') + '"'
