"""In: the address of a PostgreSQL. Out: a study that lies there, held by one process at a time.

Optuna's own heartbeat dies with the first restart of the database, after which a trial that lives
is run a second time. Here the holder has an advisory lock, which PostgreSQL gives back when the
holder's connection is cut, and a row with a fencing token, which every transaction of the study
looks at: who was taken for dead finds another token there, and its transaction is rolled back.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from components.errors import TouchstoneError
from components.patience import Backend, database_away, veiled, wait_out
from components.search.lease import lost, taken
from components.seeding import derive

if TYPE_CHECKING:
    import sqlalchemy as sa
    from optuna.storages import BaseStorage

DRIVER: Final = "postgresql+psycopg://"
TABLE: Final = "touchstone_leases"
# What is silent for so long is away: libpq would wait for ever.
SILENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15000,
}


class DatabaseLease:
    """The right to write to a study.

    Args:
        address: of the database, with its driver.
        study: its name.
    """

    def __init__(self, address: str, study: str) -> None:
        self._engine = connecting(address)
        self._study, self._place = study, f"{veiled(address)}, study {study}"
        self._key = derive(0, "study", study)
        self._holder = str(uuid.uuid4())
        self._connection: sa.Connection | None = None
        self._token = 0

    def take(self) -> None:
        """Take the study, and count its token up.

        Raises:
            TouchstoneError: another process holds it.
        """
        if not self._lock():
            raise taken(self._place)
        self._execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE} "
            "(study TEXT PRIMARY KEY, token BIGINT NOT NULL, holder TEXT NOT NULL)"
        )
        row = self._execute(
            f"INSERT INTO {TABLE} AS own VALUES (:study, 1, :holder) ON CONFLICT (study) "
            "DO UPDATE SET token = own.token + 1, holder = :holder RETURNING token",
            study=self._study,
            holder=self._holder,
        )
        self._token = int(row)

    def check(self) -> None:
        """Make sure that the study is still held; where the connection was cut, hold it anew.

        Raises:
            TouchstoneError: another process took it over meanwhile.
        """
        import sqlalchemy as sa

        try:
            self._compare(self._execute)
        except sa.exc.DBAPIError:
            self.release()
            if not self._lock():
                raise lost(self._place) from None
            self._compare(self._execute)

    def fence(self, storage: Any) -> None:  # noqa: ANN401 - Optuna's, which has no types here
        """Let each of the storage's transactions begin with a look at the token.

        The row stays locked until the transaction ends: who takes the study over waits for it, and
        whatever comes after finds the new token.
        """
        import sqlalchemy as sa

        def look(connection: sa.Connection) -> None:
            def execute(text: str, **values: object) -> Any:  # noqa: ANN401
                return connection.execute(sa.text(text + " FOR SHARE"), values).scalar()

            self._compare(execute)

        sa.event.listen(storage.engine, "begin", look)

    def release(self) -> None:
        """Give the study back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # The connection may be cut already.
            with contextlib.suppress(Exception):
                connection.close()

    def _lock(self) -> bool:
        return bool(self._execute("SELECT pg_try_advisory_lock(:key)", key=self._key))

    def _execute(self, text: str, **values: object) -> Any:  # noqa: ANN401 - a single value
        import sqlalchemy as sa

        if self._connection is None:
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        done = self._connection.execute(sa.text(text), values)
        return done.scalar() if done.returns_rows else None

    def _compare(self, execute: Callable[..., Any]) -> None:
        asked = f"SELECT token FROM {TABLE} WHERE study = :study"
        if execute(asked, study=self._study) != self._token:
            raise lost(self._place)


def connecting(address: str) -> sa.Engine:
    """Return what connects, anew each time."""
    import sqlalchemy as sa

    return sa.create_engine(address, poolclass=sa.NullPool, connect_args=dict(SILENCE))


def answers(address: str) -> bool:
    """Tell whether the database takes connections."""
    import sqlalchemy as sa

    try:
        with connecting(address).connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def patience(address: str, seconds: float) -> Callable[[Callable[[], Any]], Any]:
    """Return what does reads and writes again while the database is away, for so long."""
    backend = Backend(
        f"the studies' database at {veiled(address)}",
        "start it, or unset TOUCHSTONE_STUDIES to keep studies in files",
        database_away,
        lambda: answers(address),
    )
    return lambda work: wait_out((backend,), seconds, work)


@contextlib.contextmanager
def database_storage(
    address: str, study: str, patiently: Callable[[Callable[[], Any]], Any]
) -> Iterator[tuple[BaseStorage, Callable[[], None]]]:
    """Hold a study; give Optuna's storage, and the check to be made before each write.

    Raises:
        TouchstoneError: another process holds the study, or its address is not PostgreSQL's.
        Away: the database did not answer in time.
    """
    from optuna.storages import RDBStorage, get_storage

    if not address.startswith(DRIVER):
        raise TouchstoneError(
            f"TOUCHSTONE_STUDIES: must begin with {DRIVER}, found {veiled(address)}",
            "name a PostgreSQL with its driver, or unset it to keep studies in files",
        )
    lease = DatabaseLease(address, study)

    def open_storage() -> RDBStorage:
        lease.release()
        lease.take()
        return RDBStorage(
            address, engine_kwargs={"pool_pre_ping": True, "connect_args": dict(SILENCE)}
        )

    storage: RDBStorage | None = None
    try:
        storage = patiently(open_storage)
        lease.fence(storage)
        yield get_storage(storage), lease.check
    finally:
        if storage is not None:
            storage.engine.dispose()
        lease.release()
