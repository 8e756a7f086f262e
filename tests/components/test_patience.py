"""In: backends that are away for a moment, or for ever. Out: the work done, or a clean end."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from components.errors import AWAY, Away, TouchstoneError
from components.patience import (
    Backend,
    causes,
    database_away,
    reason,
    unreachable,
    veiled,
    wait_out,
)


def backend(
    name: str = "the books", absent: Callable[[BaseException], bool] = unreachable
) -> Backend:
    return Backend(name, "start them", absent, lambda: True)


class Flaky:
    """Work that fails some times, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0

    def __call__(self) -> str:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def ask(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=0.1):
        pass


def test_work_is_done_again_as_a_whole_until_the_backend_is_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work = Flaky(ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError("slow"))
    assert wait_out([backend()], 60, work) == "done"
    assert work.attempts == 3
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "the books does not answer (reset), waiting up to 60 s"
    assert said[1].startswith("the books is back after ")
    assert len(said) == 2


def test_nothing_is_said_when_nothing_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert wait_out([backend()], 60, Flaky()) == "done"
    assert capsys.readouterr().err == ""


def test_who_stays_away_ends_the_work_with_what_where_and_the_cure() -> None:
    def never() -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    with pytest.raises(
        Away, match=r"the books .*\(Connection refused\), waited 0\.3 sec"
    ) as caught:
        wait_out([backend()], 0.3, never)
    assert caught.value.exit_code == AWAY == 75
    assert caught.value.cure == "start them, and run the same command again: it goes on from here"


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("a schema"),
        PermissionError(errno.EACCES, "denied"),
        FileNotFoundError(errno.ENOENT, "gone"),
        TouchstoneError("no"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    ],
)
def test_an_answer_is_not_waited_for(answer: Exception) -> None:
    work = Flaky(answer)
    with pytest.raises(type(answer)):
        wait_out([backend()], 60, work)
    assert work.attempts == 1


def test_the_real_errors_of_the_network_say_that_nobody_is_there() -> None:
    with nobody() as port, pytest.raises(urllib.error.URLError) as refused:
        ask(port)
    assert unreachable(refused.value)
    assert reason(refused.value) == "Connection refused"
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(TimeoutError) as silent:
            ask(mute.getsockname()[1])
        assert unreachable(silent.value)


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_a_host_that_cannot_be_reached_is_away(number: int) -> None:
    assert unreachable(OSError(number, "no route"))
    assert unreachable(socket.gaierror(socket.EAI_AGAIN, "try again"))


def test_an_error_within_an_error_counts_and_one_that_was_put_aside_does_not() -> None:
    wrapped = RuntimeError("aborted", ConnectionResetError("reset"))
    assert unreachable(wrapped)
    other = ValueError("another thing")
    other.__context__ = ConnectionResetError("reset")
    assert unreachable(other)
    other.__suppress_context__ = True
    assert not unreachable(other)


def test_errors_that_name_each_other_as_cause_are_told_once() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    assert list(causes(one)) == [one, other]


def test_an_earlier_absence_is_no_cause_of_a_later_error() -> None:
    work = Flaky(ConnectionResetError("reset"), ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong") as caught:
        wait_out([backend()], 60, work)
    assert not unreachable(caught.value)


def test_within_the_work_nobody_waits_for_the_same_backend() -> None:
    inner = Flaky(ConnectionResetError("reset"))
    begun = []

    def work() -> str:
        begun.append(None)
        return wait_out([backend()], 60, inner)

    assert wait_out([backend()], 60, work) == "done"
    assert len(begun) == 2, "the whole is done again, its lock and all"


def test_within_the_work_another_backend_is_waited_for_by_itself() -> None:
    inner = Flaky(ConnectionResetError("reset"))
    begun = []

    def work() -> str:
        begun.append(None)
        return wait_out([backend("another")], 60, inner)

    ledger = backend("the ledger", lambda error: False)
    assert wait_out([ledger], 60, work) == "done"
    assert len(begun) == 1


def test_one_that_was_given_up_is_not_waited_for_again() -> None:
    def work() -> None:
        raise Away("gone", "start it") from ConnectionResetError("reset")

    with pytest.raises(Away, match="gone"):
        wait_out([backend()], 3600, work)


def test_what_may_be_an_absence_is_asked_again_a_few_times_and_is_then_an_answer() -> None:
    def doubt(error: BaseException) -> bool:
        return isinstance(error, KeyError)

    unsure = dataclasses.replace(backend(), doubtful=doubt)
    passing = Flaky(KeyError("x"), ConnectionResetError("reset"), KeyError("x"))
    assert wait_out([unsure], 60, passing) == "done"
    lasting = Flaky(*[KeyError("x")] * 9)
    with pytest.raises(KeyError):
        wait_out([unsure], 60, lasting)
    assert lasting.attempts == 4


def test_no_password_is_told() -> None:
    assert veiled("at http://me:secret@host:5000/x") == "at http://host:5000/x"
    assert reason(ConnectionError("//me:secret@host is gone")) == "//host is gone"


def test_what_no_database_said_is_no_database_that_is_away() -> None:
    assert not database_away(ConnectionResetError("reset"))
