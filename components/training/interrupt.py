"""In: a signal that asks the process to end. Out: a flag, looked at between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass
class Asked:
    """Whether the process was asked to end.

    Attributes:
        by: the signal's name; empty as long as none came.
    """

    by: str = ""


@contextlib.contextmanager
def interruptible(*, wanted: bool) -> Iterator[Asked]:
    """Turn the first SIGTERM or SIGINT within the block into a flag.

    A second one does what it did before. Outside the main thread Python cannot handle signals:
    there the flag stays down. A signal that is ignored stays ignored.
    """
    asked = Asked()
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[signal.Signals, Any] = {
        each: handler
        for each in SIGNALS
        if (handler := signal.getsignal(each)) not in {None, signal.SIG_IGN}
    }

    def give_back() -> None:
        for each, handler in before.items():
            if signal.getsignal(each) is raise_flag:
                signal.signal(each, handler)

    def raise_flag(number: int, _: FrameType | None) -> None:
        asked.by = signal.Signals(number).name
        give_back()

    for each in before:
        signal.signal(each, raise_flag)
    try:
        yield asked
    finally:
        give_back()
