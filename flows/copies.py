"""In: tokens, and what a search said of altered copies. Out: the rows that are learned from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from components.files import read_json
from components.tokens import open_altered, subset, unaltered
from flows.stage import STATE

VERDICT: Final = "ablation.json"
UNASKED: Final = {"verdict": "on", "sentence": "Whether they help was not asked."}


@dataclass(frozen=True)
class Rows:
    """What a model learns from.

    Attributes:
        tokens: the folder.
        facts: for the model's history; empty where there is no altered copy.
        told: the end of the stage's line.
    """

    tokens: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""

    def shaping(self) -> dict[str, Any]:
        """Return what of it enters the lineage: that something was left out."""
        return {"copies": "left out"} if self.told else {}


@contextmanager
def originals(tokens: Path, out: Path) -> Iterator[Path]:
    """Give the tokens with originals in the place of altered copies, until the block ends.

    There are as many rows and steps, of each label as many: what differs is the alteration alone.
    """
    subset(tokens, unaltered(tokens), out)
    try:
        yield out
    finally:
        shutil.rmtree(out, ignore_errors=True)


@contextmanager
def learned_from(tokens: Path, search: Path) -> Iterator[Rows]:
    """Give all rows, with originals for altered copies where these were not shown to help."""
    copies = int(open_altered(tokens).sum())
    if not copies:
        yield Rows(tokens)
        return
    path = search / VERDICT
    found: dict[str, Any] = read_json(path) if path.exists() else UNASKED
    used = found["verdict"] == "on"
    facts = {"copies": {"rows": copies, "used": used, "sentence": found["sentence"]}}
    if used:
        yield Rows(tokens, facts=facts)
        return
    # Several processes have a folder each.
    out = STATE / f"originals-{os.environ.get('RANK', '0')}"
    with originals(tokens, out) as kept:
        yield Rows(kept, facts, f"; {copies} altered copies left out, not shown to help")


def copies_told(facts: Mapping[str, Any] | None) -> str:
    """Return for a version's page what became of altered copies.

    Args:
        facts: `copies` of the model's history; None where there were none.
    """
    if not facts:
        return "none"
    return f"{facts['rows']} {'trained on' if facts['used'] else 'left out, not shown to help'}"
