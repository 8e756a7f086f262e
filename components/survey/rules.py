"""In: findings and budgets. Out: which budget each keeps, and one error that names all broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import DataError
from components.params import SurveyParams

NAMES: Final = {
    "suspect_labels": "few labels are probably wrong",
    "conflicting_labels": "few texts have two labels",
    "ambiguous_pair": "no two labels read alike",
    "rare_labels": "few labels are rare",
    "other_script": "few rows are in another script",
    "other_language": "few rows are in another language",
    "personal_data": "few rows hold personal data",
    "near_copies": "training rows repeat few test rows",
}
CURES: Final = {
    "suspect_labels": "relabel the first of them",
    "conflicting_labels": "agree on one label for each text",
    "ambiguous_pair": "join the two labels, or tell annotators what sets them apart",
    "rare_labels": "label more rows, or join labels",
    "other_script": "remove the rows, or add more of them",
    "other_language": "remove the rows, or add more of them",
    "personal_data": "set ingestion.personal.mask: true",
    "near_copies": "give a group column, whose values never cross splits",
}


# What a model that knows too little says of the labels is for reading, and ends no run.
ACCUSING: Final = ("suspect_labels", "ambiguous_pair")


def rules(found: Mapping[str, Any], params: SurveyParams) -> list[dict[str, Any]]:
    """Return each rule with its figure, a share, its budget, and its state.

    The state is `holds`, `broken`, or `informs` where the figure is not to be relied on.
    """
    total = sum(found["rows"].values())
    labels = len(found["labels"])
    figures = {
        "suspect_labels": _share(found["suspects"]["rows"], found["suspects"]["looked_at"]),
        "conflicting_labels": _share(
            found["conflicts"]["rows"], total + found["conflicts"]["rows"]
        ),
        "ambiguous_pair": max((pair["share"] for pair in found["pairs"]), default=0.0),
        "rare_labels": _share(len(found["rare"]), labels),
        "other_script": _share(found["scripts"]["rows"], total),
        "other_language": _share(found["languages"]["rows"], found["languages"]["looked_at"]),
        "personal_data": _share(found["personal"]["rows"], total),
        "near_copies": found["near"]["near_share"],
    }
    knows = (found["suspects"]["skill"] or 0.0) >= params.min_skill
    rows = []
    for name, figure in figures.items():
        budget = getattr(params.budgets, name)
        state = "holds" if figure <= budget else "broken"
        if name in ACCUSING and not knows:
            state = "informs"
        row = {"name": name, "rule": NAMES[name], "figure": figure, "budget": budget}
        rows.append(row | {"state": state})
    return rows


def broken(rules: Sequence[Mapping[str, Any]], page: Path) -> DataError | None:
    """Return one error for all broken rules, each with what would mend it; None when all hold."""
    over = [rule for rule in rules if rule["state"] == "broken"]
    if not over:
        return None
    lines = [
        f"  {rule['rule']}: found {rule['figure']:.1%} (survey.budgets.{rule['name']}: "
        f"{rule['budget']:g}); {CURES[rule['name']]}"
        for rule in over
    ]
    count = "1 rule is" if len(over) == 1 else f"{len(over)} rules are"
    return DataError(
        f"the rows that passed are suspicious, {count} broken\n" + "\n".join(lines),
        f"open {page}: it lists them, the surest first; or raise the budget, knowing why",
    )


def _share(rows: float, total: float) -> float:
    return rows / total if total else 0.0
