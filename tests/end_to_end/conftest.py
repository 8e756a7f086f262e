"""In: nothing. Out: a real PostgreSQL, and clones of the project that are small; both temporary."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.end_to_end.tiny import clone

# PostgreSQL refuses to run as root; these are the users that a machine has for such a case.
UNPRIVILEGED = ("postgres", "nobody")


@pytest.fixture
def tiny_project(
    root: Path, tmp_path: Path, tiny_encoder: Path, tiny_encoder_sha256: Mapping[str, str]
) -> Path:
    """A git clone of the project whose whole line runs in a minute or two."""
    return clone(root, tmp_path / "project", tiny_encoder, tiny_encoder_sha256)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[..., str]]:
    """Give addresses of fresh databases: `postgres_url("name", "psycopg")`."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: initdb and pg_ctl were not found")
    # Not under pytest's folder: that is closed to other users, and too long for a socket's path.
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _user()
        if user:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        data, port = folder / "data", _free_port()
        asked = ["-D", str(data), "-U", "touchstone", "-A", "trust", "-E", "UTF8", "--locale=C"]
        _run(user, str(programs / "initdb"), *asked, "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        control = str(programs / "pg_ctl")
        log = str(folder / "log")
        _run(user, control, "start", "-w", "-D", str(data), "-o", options, "-l", log)
        try:
            yield lambda database, driver: _database(database, driver, port)
        finally:
            _run(user, control, "stop", "-w", "-m", "immediate", "-D", str(data))


def _database(name: str, driver: str, port: int) -> str:
    import psycopg

    server = f"touchstone@127.0.0.1:{port}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql+{driver}://{server}/{name}"


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: on the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _user() -> str | None:
    """Return whom to run as when this process is root, else None."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in UNPRIVILEGED if user in known)


def _run(user: str | None, *command: str) -> None:
    done = subprocess.run(
        command, user=user, cwd="/tmp", capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        pytest.fail(f"{command[0]} failed: {done.stderr or done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
