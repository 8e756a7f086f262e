"""In: PostgreSQL's programs, where they are installed. Out: a server that lasts for a block."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# PostgreSQL refuses to run as root; these are the users that a machine has for such a case.
UNPRIVILEGED: Final = ("postgres", "nobody")
SECONDS: Final = 60


@contextlib.contextmanager
def temporary_postgres() -> Iterator[Callable[[str, str], str] | None]:
    """Give addresses of fresh databases, `url("name", "psycopg")`; None when it is not installed.

    Raises:
        RuntimeError: one of its programs failed.
    """
    programs = _programs()
    if programs is None:
        yield None
        return
    # A socket's path is short, and other users may not look into most temporary folders.
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
        connection.execute(
            psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
        )
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
        command, user=user, cwd="/", capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
