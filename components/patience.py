"""In: work that needs a backend. Out: its result; one that is away is waited for, for a while.

Only what says "nobody is there" is waited for. A wrong password, a refused value or a broken
schema is an answer, and is raised at once.
"""

from __future__ import annotations

import contextvars
import errno
import http.client
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from components.errors import Away

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
# What a frozen server was asked before it thawed is done by then, and is found by who looks first.
SETTLING: Final = 0.5
LONGEST_REASON: Final = 160
MOST_DOUBTS: Final = 3
UNREACHABLE: Final = frozenset(
    {errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN}
)
# PostgreSQL's own codes: admin shutdown, crash shutdown, cannot connect now; 08 is the connection.
GONE: Final = ("57P01", "57P02", "57P03", "08")
# While a connection is made there is no code. What a server says begins with FATAL.
STARTING: Final = ("starting up", "shutting down", "recovery mode", "not yet accepting")
UNANSWERED: Final = (
    "refused",
    "timeout",
    "timed out",
    "closed the connection",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "no such file or directory",
    "[errno -3]",
    # another process writes into the SQLite file
    "is locked",
)
# Whom an outer call waits for: it does the whole of its work again, so nothing inside may.
_WAITED_FOR: Final[contextvars.ContextVar[frozenset[str]]] = contextvars.ContextVar(
    "waited_for", default=frozenset()
)


@dataclass(frozen=True)
class Backend:
    """A server or a database that may go away and come back.

    Attributes:
        name: for people, without a password.
        cure: how it is started, in the imperative.
        absent: whether an error says that it is away.
        answers: whether it is there again; quick, and never raises.
        doubtful: whether an error may say so, or may be an answer: it is asked again a few times.
    """

    name: str
    cure: str
    absent: Callable[[BaseException], bool]
    answers: Callable[[], bool]
    doubtful: Callable[[BaseException], bool] = lambda _: False


def wait_out(backends: Sequence[Backend], seconds: float, work: Callable[[], T]) -> T:
    """Do the work; when a backend is away, wait for it and do the whole work again.

    The work must count once however often it is done. Within it nothing waits by itself: what was
    true before the backend went away (a lock above all) is looked at again from the start.

    Args:
        backends: that the work needs.
        seconds: how long they may be away, from the first error on.
        work: what is done.

    Raises:
        Away: one of them did not come back in time.
    """
    outer = _WAITED_FOR.get()
    own = [backend for backend in backends if backend.name not in outer]
    if not own:
        return work()
    token = _WAITED_FOR.set(outer | {backend.name for backend in own})
    try:
        return _again_and_again(own, seconds, work)
    finally:
        _WAITED_FOR.reset(token)


def _again_and_again(backends: Sequence[Backend], seconds: float, work: Callable[[], T]) -> T:
    absence: _Absence | None = None
    doubts = 0
    while True:
        # Left before the next attempt: the cause of a later error must not be this one's.
        try:
            result = work()
        except Away:
            raise
        except Exception as error:
            backend = next((one for one in backends if one.absent(error)), None)
            if backend is None:
                doubts += 1
                backend = next((one for one in backends if one.doubtful(error)), None)
            if backend is None or doubts > MOST_DOUBTS:
                raise
            if absence is None or absence.backend is not backend:
                end = absence.end if absence else time.monotonic() + seconds
                absence = _Absence(backend, seconds, end)
            absence.last(error)
        else:
            if absence is not None:
                absence.over()
            return result


class _Absence:
    """The time from a backend's first error until the work is done."""

    def __init__(self, backend: Backend, seconds: float, end: float) -> None:
        self.backend = backend
        self.end = end
        self._seconds = seconds
        self._began = time.monotonic()
        self._told = False
        self._pause = SHORTEST_PAUSE

    def last(self, error: BaseException) -> None:
        """Wait until the backend answers.

        Raises:
            Away: it does not in time.
        """
        self._tell(error)
        while (left := self.end - time.monotonic()) > 0:
            time.sleep(min(self._pause, left))
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            if self.backend.answers():
                time.sleep(min(SETTLING, max(0.0, self._seconds)))
                return
        raise Away(
            f"{self.backend.name} does not answer ({reason(error)}), "
            f"waited {self._seconds:g} seconds",
            f"{self.backend.cure}, and run the same command again: it goes on from here",
        ) from error

    def over(self) -> None:
        """Say that the work goes on."""
        waited = time.monotonic() - self._began
        _say(f"{self.backend.name} is back after {waited:.0f} s, going on")

    def _tell(self, error: BaseException) -> None:
        if not self._told and self._seconds > 0:
            self._told = True
            _say(
                f"{self.backend.name} does not answer ({reason(error)}), "
                f"waiting up to {self._seconds:g} s"
            )


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, what caused that, and so on."""
    seen: set[int] = set()
    rest = [error]
    while rest:
        one = rest.pop(0)
        if id(one) in seen:
            continue
        yield one
        seen.add(id(one))
        context = None if one.__suppress_context__ else one.__context__
        # urllib3 wraps a reset connection as an argument, and raises neither from the other.
        rest += [part for part in one.args if isinstance(part, BaseException)]
        rest += [cause for cause in (one.__cause__, context) if cause is not None]


def unreachable(error: BaseException) -> bool:
    """Tell whether nobody answered: refused, reset, cut, or silent for too long."""
    return any(_silent(one) for one in causes(error))


def _silent(error: BaseException) -> bool:
    if isinstance(error, socket.gaierror):
        # A name that is unknown is a mistake; a name server that does not answer is not.
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, ConnectionError | TimeoutError | http.client.IncompleteRead):
        return True
    return isinstance(error, OSError) and error.errno in UNREACHABLE


def database_away(error: BaseException) -> bool:
    """Tell whether a database says, by way of SQLAlchemy, that it is away or locked for now."""
    if "sqlalchemy" not in sys.modules:
        return False
    from sqlalchemy.exc import DBAPIError

    return any(isinstance(one, DBAPIError) and _gone(one) for one in causes(error))


def _gone(error: DBAPIError) -> bool:
    from sqlalchemy.exc import InterfaceError, OperationalError

    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if code:
        return str(code).startswith(GONE)
    text = str(error.orig).lower()
    if "fatal:" in text:
        return any(word in text for word in STARTING)
    return error.connection_invalidated or any(word in text for word in UNANSWERED)


def reason(error: BaseException) -> str:
    """Return in a few words why, without a password."""
    found = list(causes(error))
    system = [one.strerror for one in found if isinstance(one, OSError) and one.strerror]
    said = [text for one in found if (text := str(one).strip(" \n()"))]
    text = (system or said or [type(error).__name__])[-1]
    # libpq tells the address again before it comes to the point.
    short = text.splitlines()[0].rpartition(" failed: ")[2]
    return veiled(short)[:LONGEST_REASON]


def veiled(text: str) -> str:
    """Return a text without the passwords of the addresses in it."""
    return re.sub(r"//[^@/\s]*@", "//", text)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
