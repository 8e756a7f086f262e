"""In: SIGINT and SIGTERM. Out: an exception that ends what is under way, and is never lost.

A handler's exception is raised wherever the main thread happens to be. In a finalizer, such as the
one by which a weak dictionary drops a key, Python can only print it and go on: one Ctrl-C in some
hundred was lost so, and whoever had pressed it waited for the whole stage. In an import it may be
dropped without a word, as compiled modules do while they are registered; there it waits until the
import is over.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Final

# Long enough for a finalizer to end, too short for a person to notice.
AGAIN_SECONDS: Final = 0.05
# What Prefect raises at SIGTERM within a flow; by its name, since Prefect may not be imported yet.
TERMINATIONS: Final = frozenset({"TerminationSignal"})
IMPORTS: Final = "<frozen importlib"


class Terminated(KeyboardInterrupt):
    """SIGTERM came; what is under way is left as Ctrl-C leaves it."""


def listen() -> None:
    """Have SIGTERM raise, and send again what was raised where nothing could be raised.

    A flow has a handler of Prefect's, which tells the server and then signals again. SIGINT stays
    ignored where it is, as in a shell's background.
    """
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = _hear


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, once no import is under way."""
    if _importing(frame):
        _again(number)
        return
    raise KeyboardInterrupt


def number_of(kind: type[BaseException] | None) -> signal.Signals | None:
    """Return the signal that an exception stands for, if it stands for one."""
    if kind is None:
        return None
    if issubclass(kind, Terminated) or kind.__name__ in TERMINATIONS:
        return signal.SIGTERM
    return signal.SIGINT if issubclass(kind, KeyboardInterrupt) else None


def _terminate(number: int, frame: FrameType | None) -> None:
    """End what is under way; a second signal kills at once."""
    if _importing(frame):
        _again(number)
        return
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
    _again(number)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTS):
            return True
        frame = frame.f_back
    return False


def _again(number: int) -> None:
    again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
