"""In: the name of a place. Out: nothing, or the death of this process, when a test asks so."""

from __future__ import annotations

import fnmatch
import os
import signal
from pathlib import Path
from typing import Final

VARIABLE: Final = "FAILPOINT"
# Every place between an effect on the world and its acknowledgement; a test holds this list and
# the calls in the code together.
NAMES: Final = (
    "search.asked",
    "search.told",
    "run.created",
    "run.logged",
    "register.uploaded",
    "register.version",
    "register.challenger",
    "attach.uploaded",
    "ledger.appended",
    "move.intent",
    "move.alias",
    "move.done",
)

# Places of every file and folder that is written: `<path>@<place>`, the path as the code has it.
# Before anything is in it; with half of it; whole, but under its temporary name; after what it
# replaces was removed; and under its own name.
PLACES: Final = ("begun", "half", "written", "removed", "renamed")


def failpoint(name: str) -> None:
    """Kill this process, as a power cut would, when the environment's FAILPOINT is `name`.

    Raises:
        ValueError: the name is not listed.
    """
    if name not in NAMES:
        raise ValueError(f"{name!r} is no failpoint, expected one of {', '.join(NAMES)}")
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)


def writing(path: Path, place: str, partial: Path | None = None) -> None:
    """Kill this process when the environment's FAILPOINT is this place of this path, or a pattern.

    Args:
        path: of what is written.
        place: one of PLACES.
        partial: what is written so far; at `half`, its largest file loses half of its bytes, as in
            a kill in the middle of a write.

    Raises:
        ValueError: the place is not listed.
    """
    if place not in PLACES:
        raise ValueError(f"{place!r} is no place of a write, expected one of {', '.join(PLACES)}")
    asked = os.environ.get(VARIABLE)
    if asked is None or not fnmatch.fnmatchcase(f"{path}@{place}", asked):
        return
    if partial is not None:
        _halve(partial)
    os.kill(os.getpid(), signal.SIGKILL)


def _halve(partial: Path) -> None:
    files = [path for path in [partial, *partial.rglob("*")] if path.is_file()]
    if files:
        largest = max(files, key=lambda path: path.stat().st_size)
        os.truncate(largest, largest.stat().st_size // 2)
