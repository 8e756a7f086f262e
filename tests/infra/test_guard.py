"""In: small commands that crash, fork or hang. Out: kept running, and ended with all they made."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from components.files import write_json
from infra import guard

FAMILY = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""
CRASH = "import os, sys; open(sys.argv[1], 'a').write('x'); os.abort()"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record.json"
    write_json(path, {"pid": os.getpid()})
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(guard, "RECORD_SECONDS", 0.0)
    monkeypatch.setattr(guard, "GRACE", 0.2)


def until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if condition():
            return
        waiting.wait(0.02)
    pytest.fail("it never happened")


def test_a_process_is_ended_with_all_that_it_has_started(record: Path, tmp_path: Path) -> None:
    stopped, note = threading.Event(), tmp_path / "note"
    command = [sys.executable, "-c", FAMILY, str(note)]
    running = threading.Thread(target=guard.guard, args=(record, command, stopped))
    running.start()
    until(lambda: note.exists() and bool(note.read_text()))
    grandchild = int(note.read_text())
    assert psutil.pid_exists(grandchild)
    stopped.set()
    running.join(timeout=20)
    assert not running.is_alive()
    until(lambda: not psutil.pid_exists(grandchild))


def test_it_ends_once_the_record_is_gone(record: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    running = threading.Thread(target=guard.guard, args=(record, command, threading.Event()))
    running.start()
    record.unlink()
    running.join(timeout=20)
    assert not running.is_alive()


def test_a_crash_after_a_while_is_followed_by_a_new_start(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SOON_SECONDS", 0.0)
    monkeypatch.setattr(guard, "LONGEST_PAUSE", 0.01)
    stopped, note = threading.Event(), tmp_path / "note"
    command = [sys.executable, "-c", CRASH, str(note)]
    running = threading.Thread(target=guard.guard, args=(record, command, stopped))
    running.start()
    until(lambda: note.exists() and len(note.read_text()) >= 3)
    stopped.set()
    running.join(timeout=20)
    assert not running.is_alive()


def test_a_command_that_fails_at_once_is_not_tried_again(record: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"
    command = [sys.executable, "-c", CRASH, str(note)]
    assert guard.guard(record, command, threading.Event()) == 1
    assert note.read_text() == "x"
