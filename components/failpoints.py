"""In: the name of a line. Out: nothing, or the death of this process there, when a test asks so."""

from __future__ import annotations

import os
import signal
from typing import Final

VARIABLE: Final = "FAILPOINT"
# Every place between an effect on the world and its acknowledgement; a test holds this list and
# the calls in the code together.
NAMES: Final = (
    "register.uploaded",
    "register.version",
    "register.challenger",
    "ledger.appended",
    "move.intent",
    "move.alias",
    "move.done",
)


def failpoint(name: str) -> None:
    """Kill this process, as a power cut would, when the environment's FAILPOINT is `name`.

    Raises:
        ValueError: the name is not listed.
    """
    if name not in NAMES:
        raise ValueError(f"{name!r} is no failpoint, expected one of {', '.join(NAMES)}")
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
