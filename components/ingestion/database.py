"""In: the URL of a database and a query. Out: its rows as text, streamed, in one order always."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.addresses import SQL, filled, hidden, sql_parts
from components.errors import Away, DataError
from components.files import sha256_json
from components.ingestion.decoding import Record, require_columns
from components.patience import database_away

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS: Final = 2000
SECONDS: Final = 10
# Servers that take a limit of time for connecting, under this name.
CONNECTING: Final = ("postgresql", "mysql", "mariadb")


def read_sql(name: str, columns: Sequence[str]) -> Generator[Record, None, None]:
    """Stream the rows of a query; NULL is missing, and other values must be text or whole numbers.

    The rows come sorted by the values of all these columns, whatever the query says: no database
    gives the same order twice unless it is asked to. Rows that are equal in all of them are one
    as good as the other.

    Args:
        name: `sql:URL QUERY`, as params.yaml has it.
        columns: those that are wanted.

    Raises:
        DataError: the database refuses, a column is absent, or a value is no text.
        Away: the database does not answer.
    """
    with _connected(name) as connection:
        selected = _select(name, connection, columns)
        streamed = connection.execution_options(yield_per=BATCH_ROWS)
        with contextlib.closing(streamed.execute(selected)) as result:
            for number, row in enumerate(result, 1):
                yield {
                    column: _cell(name, number, column, value)
                    for column, value in zip(columns, row, strict=True)
                }


def facts(name: str, columns: Sequence[str], changed: str | None) -> dict[str, Any]:
    """Return what tells that the rows changed.

    Args:
        name: `sql:URL QUERY`.
        columns: those that are read.
        changed: a column of the query that grows with every change; None: all rows are read.

    Returns:
        The number of rows, and the highest value of `changed` or else a digest of the rows.
    """
    if changed is None:
        rows, digest = 0, sha256_json([])
        for record in read_sql(name, columns):
            rows, digest = rows + 1, sha256_json([digest, dict(record)])
        return {"rows": rows, "sha256": digest}
    with _connected(name) as connection:
        rows, highest = connection.execute(_summary(name, connection, changed)).one()
    return {"rows": int(rows), "changed": _moment(highest)}


def _moment(value: object) -> str | None:
    """Return a value as text that does not depend on the time zone of who asks."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC)
    return None if value is None else str(value)


def _select(name: str, connection: sa.Connection, columns: Sequence[str]) -> sa.Select[Any]:
    import sqlalchemy as sa

    inner = _inner(name, connection, columns)
    wanted: list[sa.ColumnClause[Any]] = [sa.column(column) for column in columns]
    return sa.select(*wanted).select_from(inner).order_by(*wanted)


def _summary(name: str, connection: sa.Connection, changed: str) -> sa.Select[Any]:
    import sqlalchemy as sa

    inner = _inner(name, connection, [changed])
    return sa.select(sa.func.count(), sa.func.max(sa.column(changed))).select_from(inner)


def _inner(name: str, connection: sa.Connection, columns: Sequence[str]) -> sa.TextClause:
    """Return the query as a part of another, once it is known to have these columns."""
    import sqlalchemy as sa

    # A colon would be the sign of a parameter, of which there are none.
    query = sql_parts(name)[1].replace(":", "\\:")
    inner = sa.text(f"({query}) AS source")
    head = sa.select(sa.text("*")).select_from(inner).where(sa.false())
    require_columns(_shown(name), columns, list(connection.execute(head).keys()))
    return inner


def _cell(name: str, number: int, column: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | uuid.UUID):
        return str(value)
    raise DataError(
        f"{_shown(name)}, row {number}: column {column!r} holds a {type(value).__name__}, not text",
        f"say in the query how it is written, such as CAST({column} AS VARCHAR) AS {column}",
    )


@contextlib.contextmanager
def _connected(name: str) -> Iterator[sa.Connection]:
    """Give a connection that reads and nothing else, and tell its errors without the password."""
    import sqlalchemy as sa

    try:
        url = _url(name)
        timeout = {"connect_timeout": SECONDS} if url.get_backend_name() in CONNECTING else {}
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=timeout)
        reading = {"postgresql_readonly": True} if engine.name == "postgresql" else {}
        with engine.connect().execution_options(**reading) as connection:
            yield connection
    except sa.exc.NoSuchModuleError as error:
        raise DataError(
            f"{_shown(name)}: {error}", "write the driver, such as postgresql+psycopg://"
        ) from None
    except ImportError as error:
        raise DataError(
            f"{_shown(name)}: the driver is not installed: {error}",
            "install it, such as by `pip install 'psycopg[binary]'`",
        ) from None
    except sa.exc.SQLAlchemyError as error:
        raise _refusal(name, error) from None


def _refusal(name: str, error: sa.exc.SQLAlchemyError) -> DataError | Away:
    reason = hidden(" ".join(str(getattr(error, "orig", None) or error).split()), name)
    if database_away(error):
        return Away(
            f"{_shown(name)}: {reason}", "start the database or check the network, run again"
        )
    return DataError(
        f"{_shown(name)}: {reason}", "correct the URL or the query in the ingestion section"
    )


def _shown(name: str) -> str:
    """Return the source without its query, as errors tell it."""
    return f"{SQL}:{sql_parts(name)[0]}"


def _url(name: str) -> sa.URL:
    """Return the URL with what the environment holds."""
    import sqlalchemy as sa

    written = sql_parts(name)[0]
    try:
        url = sa.make_url(filled(written) if written.startswith("$") else written)
    except (ValueError, sa.exc.ArgumentError):
        # The error would quote what may hold a password.
        raise DataError(
            f"{_shown(name)}: is no URL of a database",
            "write it as postgresql+psycopg://USER:${PASSWORD}@HOST:PORT/DATABASE",
        ) from None
    told = {part: getattr(url, part) for part in ("username", "password", "host", "database")}
    parts: dict[str, Any] = {part: filled(value) for part, value in told.items() if value}
    query = {
        key: filled(value) if isinstance(value, str) else tuple(map(filled, value))
        for key, value in url.query.items()
    }
    url = url.set(query=query, **parts)
    # SQLite would make an empty database of a file that is not there.
    file = url.database
    if (
        url.get_backend_name() == "sqlite"
        and file
        and file != ":memory:"
        and not Path(file).is_file()
    ):
        raise DataError(
            f"{_shown(name)}: {file} is no file", "correct the URL in the ingestion section"
        )
    return url
