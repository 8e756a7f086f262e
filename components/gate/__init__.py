"""In: candidate, champion and frozen test examples. Out: a verdict, and a page that shows why."""

from components.gate.decide import decide
from components.gate.evidence import (
    Bundles,
    Champion,
    Evidence,
    Reports,
    Settings,
    evidence_key,
)
from components.gate.report import markdown, render, write_report

__all__ = [
    "Bundles",
    "Champion",
    "Evidence",
    "Reports",
    "Settings",
    "decide",
    "evidence_key",
    "markdown",
    "render",
    "write_report",
]
