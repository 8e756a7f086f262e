"""In: findings. Out: a page that opens offline, and its figures as JSON, without a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.difference import shifts
from components.files import write_json, write_text
from components.pages import environment
from components.schema import SPLITS

TEXTS: Final = "texts"
# Longer lists of labels and of slices are for the JSON file.
LABELS: Final = 200
VALUES: Final = 20


def write_page(
    found: Mapping[str, Any], rejected: Mapping[str, int], project: str, html: Path, figures: Path
) -> str:
    """Write the page, and its figures.

    Args:
        found: what `survey` returned.
        rejected: rows that did not pass, by reason.
        project: its name.
        html: the page.
        figures: a JSON file, which holds no text.

    Returns:
        The sentence that the page begins with.
    """
    said = sentence(found)
    template = environment("components.survey", {}).get_template("data.html.jinja")
    view = {"found": found, "rejected": rejected, "project": project, "said": said, **_view(found)}
    write_text(html, template.render(**view))
    bare = {name: value for name, value in found.items() if name != TEXTS}
    if new := found["difference"]:
        words = {name: value for name, value in new["vocabulary"].items() if name != "examples"}
        bare["difference"] = {**new, "vocabulary": words}
    write_json(figures, {"sentence": said, "rejected": dict(rejected), **bare})
    return said


def sentence(found: Mapping[str, Any]) -> str:
    """Return in one sentence whether the rows that passed can be trusted."""
    rows, rules = sum(found["rows"].values()), found["rules"]
    over = [rule["rule"] for rule in rules if rule["state"] == "broken"]
    asked = len([rule for rule in rules if rule["state"] != "informs"])
    if over:
        verb = "is" if len(over) == 1 else "are"
        return f"Of {asked} rules {len(over)} {verb} broken: {'; '.join(over)}."
    suspects = found["suspects"]["rows"]
    if suspects:
        texts = "text is" if suspects == 1 else "texts are"
        return f"{rows:,} rows, and all {asked} rules hold; {suspects:,} {texts} worth a look."
    return f"{rows:,} rows, and all {asked} rules hold."


def _view(found: Mapping[str, Any]) -> dict[str, Any]:
    labels = sorted(found["labels"], key=lambda row: (-row["train"], row["label"]))
    most = max((row["train"] for row in labels), default=0) or 1
    steps, step = found["characters"]["steps"], found["characters"]["step"]
    highest = max(steps, default=0) or 1
    return {
        "splits": SPLITS,
        "total": sum(found["rows"].values()),
        "labels": [{**row, "share": row["train"] / most} for row in labels[:LABELS]],
        "left": max(0, len(labels) - LABELS),
        "lengths": [
            {"low": at * step + 1, "high": (at + 1) * step, "rows": rows, "share": rows / highest}
            for at, rows in enumerate(steps)
        ],
        "slices": {name: list(by.items())[:VALUES] for name, by in found["slices"].items()},
        "shifts": shifts(found["difference"]),
    }
