"""In: a study's folder. Out: the right to write to the study, held by one process at a time.

Whoever takes a study over counts its fencing token up. A holder that was believed dead compares
before every write, finds another token, and writes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from components.errors import TouchstoneError
from components.files import write_text

LOCK: Final = "lock"
TOKEN: Final = "token"


def taken(place: object) -> TouchstoneError:
    """Return the error of who finds another process at the study."""
    return TouchstoneError(
        f"{place}: one search at a time, found another process at this study",
        "wait until it is done, or end it",
    )


def lost(place: object) -> TouchstoneError:
    """Return the error of a holder that was taken for dead."""
    return TouchstoneError(
        f"{place}: another process has taken the study over, so that nothing more is written here",
        "end one of the two; the other goes on",
    )


@contextlib.contextmanager
def folder_lease(folder: Path) -> Iterator[Callable[[], None]]:
    """Hold a study that lies in a folder; give the check to be made before each write.

    The kernel gives the lock back when the process dies. The token tells a holder whose folder was
    deleted and made anew, so that its lock is on a file that nobody else can see.

    Raises:
        TouchstoneError: another process holds it; or, from the check, took it over.
    """
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise taken(folder) from error
        number = int(read_token(folder).split()[0]) + 1
        # The name tells two folders apart that were both made anew.
        own = f"{number} {uuid.uuid4()}"
        write_text(folder / TOKEN, own)

        def check() -> None:
            if read_token(folder) != own:
                raise lost(folder)

        yield check


def read_token(folder: Path) -> str:
    """Return the study's token: how often it was held, and a name for the last time."""
    try:
        return (folder / TOKEN).read_text(encoding="ascii")
    except FileNotFoundError:
        return "0 nobody"
