"""In: the Makefile and tools that stand in for Python. Out: .venv whole or absent, plain words."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

COMMANDS = ("demo", "test", "lint", "bench", "use", "up", "down", "status", "constraints", "help")
OLD = """#!/bin/sh
case "$1" in --version) echo "Python 3.9.1";; *) exit 1;; esac
"""
# Makes a .venv whose python ends with code $INSTALL, or kills make as Ctrl-C would.
STAND_IN = """#!/bin/sh
case "$*" in
  "-m venv --clear .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python;;
  infra/install.py*) echo "$@" >> installed; exit ${INSTALL:-0};;
  *) exit 0;;
esac
"""


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "infra").mkdir()
    shutil.copy(root / "infra" / "install.py", tmp_path / "infra")
    return tmp_path


def interpreter(folder: Path, text: str) -> Path:
    path = folder / "some-python"
    path.write_text(text)
    path.chmod(0o755)
    return path


def make(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env={**environment, **more},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_names_every_command_and_comes_first(folder: Path) -> None:
    said = make(folder).stdout
    for command in COMMANDS:
        assert f"make {command} " in said


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_unsuitable_python_is_told_and_leaves_nothing(folder: Path, target: str) -> None:
    done = make(folder, target, f"PYTHON={interpreter(folder, OLD)}")
    assert done.returncode != 0
    assert "is Python 3.9.1, but Python 3.11 to 3.13 is needed" in done.stderr
    assert not (folder / ".venv").exists()


def test_an_absent_python_is_told(folder: Path) -> None:
    done = make(folder, "demo", "PYTHON=python-of-nobody")
    assert done.returncode != 0
    assert "python-of-nobody is not installed" in done.stderr


def test_a_failed_installation_leaves_no_stamp_and_is_tried_again(folder: Path) -> None:
    python = f"PYTHON={interpreter(folder, STAND_IN)}"
    assert make(folder, ".venv/.installed", python, INSTALL="1").returncode != 0
    assert not (folder / ".venv" / ".installed").exists()
    assert make(folder, ".venv/.installed", python).returncode == 0
    assert (folder / ".venv" / ".installed").exists()


def test_only_newer_pins_lead_to_another_installation(folder: Path) -> None:
    python = f"PYTHON={interpreter(folder, STAND_IN)}"
    for _ in range(2):
        assert make(folder, ".venv/.installed-dev", python).returncode == 0
    once = ["infra/install.py", "infra/install.py --extra postgres --extra ray --group dev"]
    assert (folder / "installed").read_text().splitlines() == once
    later = (folder / ".venv" / ".installed-dev").stat().st_mtime + 10
    os.utime(folder / "constraints.txt", (later, later))
    assert make(folder, ".venv/.installed-dev", python).returncode == 0
    assert (folder / "installed").read_text().splitlines() == once * 2


def test_down_needs_no_installation(folder: Path) -> None:
    assert make(folder, "down").stdout == "nothing is running\n"
    assert not (folder / ".venv").exists()


def test_continuous_integration_runs_make_test(root: Path) -> None:
    assert (root / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
