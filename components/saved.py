"""In: the state folder. Out: the checkpoints and studies in it that cannot be gone on from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from components.errors import IntegrityError
from components.files import MANIFEST, verify_manifest

CHECKPOINTS: Final = "checkpoints"
STUDIES: Final = "studies"
JOURNAL: Final = "journal.log"
TOKEN: Final = "token"


def damaged(state: Path) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what outlives a killed run, and the cure; nothing is changed.

    Args:
        state: the folder for what outlives a run, usually `.state`.
    """
    for folder in sorted(_checkpoints(state / CHECKPOINTS)):
        if problem := _broken(folder):
            cure = f"delete {folder}: the training goes on from the one before it, or starts anew"
            yield f"the checkpoint {folder} cannot be gone on from: {problem}", cure
    for study in sorted((state / STUDIES).glob("*")):
        if study.is_dir() and (problem := _unreadable(study)):
            yield problem, f"delete {study}; the search then starts anew"


def _checkpoints(root: Path) -> set[Path]:
    """Return the folders that hold files; what is being written has a name with a dot before it."""
    found = {path.parent for path in root.rglob("*") if path.is_file()}
    return {
        folder
        for folder in found
        if not any(part.startswith(".") for part in folder.relative_to(root).parts)
    }


def _broken(folder: Path) -> str | None:
    if not (folder / MANIFEST).is_file():
        # Between two looks a finished training removes its checkpoints.
        return f"it has no {MANIFEST}" if folder.is_dir() else None
    try:
        verify_manifest(folder)
    except (IntegrityError, OSError, KeyError, TypeError) as error:
        return getattr(error, "what", str(error)) if folder.is_dir() else None
    return None


def _unreadable(study: Path) -> str | None:
    journal = study / JOURNAL
    try:
        lines = journal.read_bytes().split(b"\n") if journal.exists() else []
    except OSError as error:
        return f"{journal} cannot be read: {error.strerror}"
    # The last one is empty, or half: its writer was killed, and whoever goes on cuts it off.
    for number, line in enumerate(lines[:-1], 1):
        if not _is_json(line):
            return f"{journal}, line {number}: is no JSON, so the study cannot be read"
    token = study / TOKEN
    if token.exists() and not token.read_bytes().split(b" ")[0].isdigit():
        return f"{token}: must begin with a number, which tells who may write to the study"
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
