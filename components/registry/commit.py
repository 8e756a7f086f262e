"""In: the working folder. Out: the commit of its code and params, and whether they are as in it."""

from __future__ import annotations

import subprocess
from typing import Final

# What decides how a model comes out; receipts and locks change with every run.
DECIDING: Final = ("components", "flows", "params.yaml", "dvc.yaml", "constraints.txt")
DIRTY: Final = "-dirty"
SECONDS: Final = 10


def commit() -> str | None:
    """Return the git commit, `-dirty` behind it when what decides was edited since; else None."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return None
    edited = _git("status", "--porcelain", "--", *(f":/{path}" for path in DECIDING))
    return f"{head}{DIRTY}" if edited or edited is None else head


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
