"""In: candidate, champion and frozen test examples. Out: a verdict, and a page that shows why."""

from components.gate.decide import Champion, Evidence, decide
from components.gate.report import render

__all__ = ["Champion", "Evidence", "decide", "render"]
