"""In: the name of a thing that one process at a time may change. Out: the right to, for a block."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.seeding import derive

if TYPE_CHECKING:
    from components.registry.place import Registry


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the kernel frees it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def model_lock(registry: Registry, name: str) -> Iterator[None]:
    """Hold the right to change the versions and aliases of one model.

    Directly on PostgreSQL it holds for all machines; otherwise for all processes of this one.
    """
    with file_lock(registry.state / "mlflow" / f"{name}.lock"):
        if not registry.uri.startswith("postgresql"):
            yield
            return
        import sqlalchemy

        engine = sqlalchemy.create_engine(registry.uri, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            key = derive(0, "touchstone", name)
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield
