"""In: the name of a thing that one process at a time may change. Out: the right to, for a block."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from components.seeding import derive

if TYPE_CHECKING:
    from components.registry.place import Registry

LEDGER_VARIABLE: Final = "TOUCHSTONE_LEDGER"
# How long a writer waits for another one of the same SQLite file.
LOCK_SECONDS: Final = 60


# How long a transaction lasts before somebody looks whether its server still takes connections.
FROZEN_SECONDS: Final = 10.0
# What a server that is cut off, or frozen, may keep silent, in libpq's words and seconds.
SILENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    # milliseconds
    "tcp_user_timeout": 30_000,
}


def safe(uri: str) -> str:
    """Return the address without its password."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def ledger_address(registry: Registry) -> str:
    """Return the database that keeps the ledger and, if it is PostgreSQL, the locks.

    The one that TOUCHSTONE_LEDGER names; else MLflow's own, when it is PostgreSQL; else a SQLite
    file of this machine.
    """
    if named := os.environ.get(LEDGER_VARIABLE):
        return named
    if registry.uri.startswith("postgresql"):
        return registry.uri
    return f"sqlite:///{(registry.state / 'ledger.db').resolve()}"


@functools.lru_cache(maxsize=8)
def engine_of(address: str) -> sa.Engine:
    """Return what connects to a database; it keeps compiled statements, and no connection."""
    waits: dict[str, int] = {}
    if address.startswith("sqlite"):
        waits = {"timeout": LOCK_SECONDS}
    elif address.startswith("postgresql+psycopg"):
        named = sa.make_url(address).query
        waits = {name: value for name, value in SILENCE.items() if name not in named}
    return sa.create_engine(address, poolclass=sa.NullPool, connect_args=waits)


def connects(address: str) -> bool:
    """Tell whether a database takes connections; of a SQLite file, true."""
    if address.startswith("sqlite"):
        return True
    try:
        with engine_of(address).connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


@contextlib.contextmanager
def transaction(connection: sa.Connection, address: str) -> Iterator[None]:
    """Hold a transaction, which ends with an error when its PostgreSQL freezes in its middle."""
    with contextlib.ExitStack() as stack:
        if connection.dialect.name == "postgresql":
            stack.enter_context(_cut_when_frozen(connection, address))
        stack.enter_context(connection.begin())
        yield


@contextlib.contextmanager
def _cut_when_frozen(connection: sa.Connection, address: str) -> Iterator[None]:
    """Cut a connection once its server takes no new ones.

    A frozen server keeps the connection and never answers; libpq would wait for ever. One that
    lets us wait for a lock still takes new connections.
    """
    driver: Any = connection.connection.dbapi_connection
    over = threading.Event()
    # Of its own, so that no other file that got the number since is ever cut.
    with socket.socket(fileno=os.dup(driver.fileno())) as line:

        def watch() -> None:
            while not over.wait(FROZEN_SECONDS):
                if not connects(address):
                    with contextlib.suppress(OSError):
                        line.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            over.set()


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

    With a ledger in PostgreSQL it holds for all machines; otherwise for all processes of this one.
    """
    address = ledger_address(registry)
    with file_lock(registry.state / "mlflow" / f"{name}.lock"):
        if not address.startswith("postgresql"):
            yield
            return
        with engine_of(address).connect() as connection, transaction(connection, address):
            key = derive(0, "touchstone", name)
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield
