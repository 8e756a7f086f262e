"""In: SIGINT and SIGTERM. Out: an exception that ends what is under way, and is never lost.

A handler's exception is raised wherever the main thread happens to be. In a finalizer, such as the
one by which a weak dictionary drops a key, Python can only print it and go on: one Ctrl-C in some
hundred was lost so, and whoever had pressed it waited for the whole stage.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Final, NoReturn

# Long enough for a finalizer to end, too short for a person to notice.
AGAIN_SECONDS: Final = 0.05
# What Prefect raises at SIGTERM within a flow; by its name, since Prefect may not be imported yet.
TERMINATIONS: Final = frozenset({"TerminationSignal"})


class Terminated(KeyboardInterrupt):
    """SIGTERM came; what is under way is left as Ctrl-C leaves it."""


def listen() -> None:
    """Have SIGTERM raise, and send again what was raised where nothing could be raised.

    A flow has a handler of Prefect's, which tells the server and then signals again.
    """
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _hear


def number_of(kind: type[BaseException] | None) -> signal.Signals | None:
    """Return the signal that an exception stands for, if it stands for one."""
    if kind is None:
        return None
    if issubclass(kind, Terminated) or kind.__name__ in TERMINATIONS:
        return signal.SIGTERM
    return signal.SIGINT if issubclass(kind, KeyboardInterrupt) else None


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End what is under way; a second signal kills at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated


def _hear(lost: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs exists for type checkers alone
    """Send a signal again once the finalizer that swallowed it is over."""
    number = number_of(lost.exc_type)
    if number is None:
        sys.__unraisablehook__(lost)
        return
    if lost.exc_type is Terminated:
        # It was the first, and has done nothing yet.
        signal.signal(signal.SIGTERM, _terminate)
    again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
