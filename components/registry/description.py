"""In: what is known of a version. Out: Markdown that makes its page in MLflow worth reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.markdown import code, plain, table
from components.pages.words import METRICS
from components.params import RegistryParams
from components.registry.aliases import Seen
from components.registry.card import how_to_load
from components.registry.report import Reports

NAMES: Final = {
    "trained": "trained (torch)",
    "onnx": "ONNX fp32",
    "int8": "**int8, served**",
}
WEAKEST: Final = 5
SHORT: Final = 12


@dataclass(frozen=True)
class Page:
    """What a version's page is written from.

    Attributes:
        name: of the model.
        digest: of the bundle.
        lineage: the id and what it is made of.
        task: the task's options as JSON.
        reports: what was measured.
        rows: per split, how many.
        licence: of the data.
        champion: the version in production when this was registered.
        champion_scores: the figures of the champion's run.
        params: owner and intended use.
        origin: commit, study, trial and such, by name.
    """

    name: str
    digest: str
    lineage: Mapping[str, str]
    task: Mapping[str, Any]
    reports: Reports
    rows: Mapping[str, int]
    licence: str
    champion: Seen | None
    champion_scores: Mapping[str, float]
    params: RegistryParams
    origin: Mapping[str, str]


def describe_model(page: Page) -> str:
    """Return the registered model's description."""
    return "\n".join(
        [
            plain(page.params.intended_use),
            "",
            f"Owner: {plain(page.params.owner)}. Task: {page.task['kind']}.",
            "",
            "* alias `champion`: in production; moves only on the gate's verdict about that digest",
            "* alias `challenger`: the newest version, not yet promoted",
            "",
            how_to_load(page.name, "@champion", page.task),
        ]
    )


def describe_version(page: Page) -> str:
    """Return the version's description."""
    named = page.reports.int8["labels"]
    parts = [
        _headline(page),
        _against(page),
        "## What was measured",
        f"On {page.rows['test']:,} test examples, each artifact by the same code.",
        _artifacts(page.reports),
        _parity(page.reports.parity),
        "## By slice",
        _slices(page.reports.int8["slices"]),
        *(["## Weakest labels", _labels(named)] if named else []),
        "## Trained on",
        f"{page.rows['train']:,} rows, chosen on {page.rows['validation']:,}"
        f"{f'; {len(named)} labels' if named else ''}.{_copies(page)} "
        f"Licence of the data: {plain(page.licence)}.",
        "## Intended use",
        plain(page.params.intended_use),
        f"Owner: {plain(page.params.owner)}.",
        "## How to load it",
        how_to_load(page.name, "@champion", page.task),
        "## Lineage",
        _lineage(page),
    ]
    return "\n\n".join(part for part in parts if part)


def _copies(page: Page) -> str:
    copies = page.origin.get("altered_copies")
    return f" Altered copies of training rows: {plain(copies)}." if copies else ""


def _headline(page: Page) -> str:
    scores = page.reports.int8["metrics"]
    shown = ", ".join(
        f"**{score:.3f}** {_words(name)}" for name, score in scores.items() if score is not None
    )
    size = page.reports.int8["size_bytes"] / 1e6
    return (
        f"An int8 encoder for {page.task['kind']} of {size:.0f} MB, with {shown} on the test split."
    )


def _against(page: Page) -> str:
    if page.champion is None:
        return "There was no champion when it was registered."
    pairs = []
    for name, score in page.reports.int8["metrics"].items():
        before = page.champion_scores.get(f"int8.{name}")
        if before is not None and score is not None:
            pairs.append(
                f"{_words(name)} {before:.3f} → {score:.3f} ({100 * (score - before):+.1f} points)"
            )
    shown = "; ".join(pairs) or "its figures are not known"
    return (
        f"Against champion version {page.champion.version} as registered: {shown}. "
        "The gate's verdict compares both on the same examples."
    )


def _artifacts(reports: Reports) -> str:
    rows = []
    for artifact, report in reports.each().items():
        rows.append(
            [
                NAMES[artifact],
                *("" if score is None else f"{score:.4f}" for score in report["metrics"].values()),
                f"{report['calibration']['error']:.3f}",
                f"{report['latency']['p50_ms']:.1f} / {report['latency']['p95_ms']:.1f}",
                f"{report['throughput_per_second']:,.0f}",
                f"{report['size_bytes'] / 1e6:.1f}",
            ]
        )
    metrics = [_words(name) for name in reports.int8["metrics"]]
    head = ["artifact", *metrics, "calibration error", "p50 / p95, ms", "per second", "MB"]
    return table(head, rows)


def _parity(parity: Mapping[str, Any]) -> str:
    int8 = parity["artifacts"]["int8"]
    return (
        f"int8 answers {int8['disagreements']} of {parity['rows']:,} validation texts otherwise "
        f"than torch; {int8['batch_dependent']} answers depend on what else is in the batch."
    )


def _slices(slices: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for part in slices:
        metrics = part["metrics"]
        shown = (
            "; ".join(f"{_words(n)} {v:.3f}" for n, v in metrics.items() if v is not None)
            if metrics
            else ""
        )
        rows.append(
            [plain(f"{part['column']} = {part['value']}"), str(part["rows"]), shown or "too few"]
        )
    return table(["slice", "rows", "score"], rows) if rows else "No slice columns are named."


def _labels(labels: Iterable[Mapping[str, Any]]) -> str:
    weakest = sorted(labels, key=lambda row: row["f1"] if row["f1"] is not None else -1.0)
    rows = [[code(r["label"]), _score(r["f1"]), str(r["rows"])] for r in weakest[:WEAKEST]]
    return table(["label", "F1", "test rows"], rows) if rows else ""


def _lineage(page: Page) -> str:
    parts = {"bundle": page.digest, **page.lineage}
    return table(["what", "digest"], [[plain(n), code(v[:SHORT])] for n, v in parts.items()])


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _words(name: str) -> str:
    return METRICS.get(name, name.replace("_", " "))
