"""In: short-lived processes. Out: only the one that was recorded is ever ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.files import write_json
from flows import processes

IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
STUBBORN = f"{IGNORE}; print(flush=True); import time; time.sleep(60)"


def sleeper(
    code: str = "print(flush=True); import time; time.sleep(60)",
) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    return child


def born(pid: int) -> str:
    mark = processes.birth(pid)
    assert mark is not None
    return mark


def test_a_process_is_known_by_id_and_birth_together() -> None:
    mark = born(os.getpid())
    assert processes.runs(os.getpid(), mark)
    assert not processes.runs(os.getpid(), mark + "1")


def test_the_birth_that_ps_tells_is_stable_too() -> None:
    first = processes._birth_by_ps(os.getpid())
    assert first
    assert processes._birth_by_ps(os.getpid()) == first


def test_ended_and_unreaped_processes_do_not_run() -> None:
    child = sleeper("print(flush=True)")
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.birth(child.pid) is None
    child.wait()
    assert processes.birth(child.pid) is None
    assert processes._birth_by_ps(child.pid) is None


def test_stop_ends_the_recorded_process_and_says_so() -> None:
    child = sleeper()
    assert processes.stop(child.pid, born(child.pid))
    assert child.wait() == -signal.SIGTERM


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    child = sleeper(STUBBORN)
    assert processes.stop(child.pid, born(child.pid), grace=0.2)
    assert child.wait() == -signal.SIGKILL


def test_a_foreign_process_with_an_old_id_is_left_alone() -> None:
    child = sleeper()
    try:
        assert not processes.stop(child.pid, "1")
        assert processes.birth(child.pid) is not None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("value", [{"pid": 1}, {}, [], None])
def test_a_record_of_another_process_or_of_none_is_not_ours(tmp_path: Path, value: object) -> None:
    record = tmp_path / "record.json"
    if value is not None:
        write_json(record, value)
    assert not processes.owns(record)
    write_json(record, {"pid": os.getpid()})
    assert processes.owns(record)
