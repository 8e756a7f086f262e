"""In: the folder and the names in the ingestion section. Out: each source's records and digest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.addresses import BUCKET, HUB, SAMPLE, SQL, WEB, kind_of
from components.errors import DataError
from components.files import sha256_file, sha256_json
from components.ingestion import bucket, database, hub, web
from components.ingestion.decoding import Record, require_columns
from components.ingestion.folders import is_pattern, tree_of
from components.ingestion.readers import read_records
from components.ingestion.tickets import COLUMNS, tickets
from components.params import IngestionParams

_TICKETS: Final = re.compile(r"sample:tickets\?rows=(?P<rows>[1-9]\d{0,8})&seed=(?P<seed>\d{1,18})")


@dataclass(frozen=True)
class Opened:
    """A source that can be read once.

    Attributes:
        records: its records, in its order.
        digest: its SHA-256, once they are read; None for a sample, which its name describes wholly.
    """

    records: Iterator[Record]
    digest: Callable[[], str | None]


def wanted_columns(params: IngestionParams) -> list[str]:
    """Return the columns of the sources that are read, each once."""
    columns = params.columns
    named = [*columns.fields.values(), *columns.slices]
    return list(dict.fromkeys([*named, *([columns.group] if columns.group else [])]))


@contextlib.contextmanager
def open_source(
    params: IngestionParams, folder: Path, name: str, columns: Sequence[str]
) -> Iterator[Opened]:
    """Give a source for a block; what was fetched for it is removed after it.

    Raises:
        DataError: the source is absent, empty, malformed, or lies outside the folder.
        ParamsError: a header is given for what is no table, or a secret is not in the environment.
        Away: what holds it does not answer.
    """
    kind = kind_of(name)
    if kind == SAMPLE:
        yield Opened(_sample(name, columns), lambda: None)
    elif kind == SQL:
        with contextlib.closing(database.read_sql(name, columns)) as streamed:
            rows = _Hashed(streamed)
            yield Opened(iter(rows), rows.digest)
    elif kind in WEB or kind == BUCKET:
        fetch = bucket.fetch if kind == BUCKET else web.fetch
        with tempfile.TemporaryDirectory(prefix="source") as scratch:
            path = fetch(name, Path(scratch))
            records = _told_as(name.partition("#")[0], path, lambda: _file(params, path, columns))
            yield Opened(records, lambda: sha256_file(path))
    elif kind == HUB:
        local = name.removeprefix(f"{HUB}:").partition("?")[0]
        split = (
            hub.open_folder(name, locate(folder, local))
            if local.startswith("./")
            else hub.download(name)
        )
        yield Opened(split.records(columns), split.digest)
    else:
        path = locate(folder, name)
        yield Opened(_file(params, path, columns), lambda: digest(folder, name))


class _Hashed:
    """Records on their way, and the SHA-256 of those that passed."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records, self._hash = records, hashlib.sha256()

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self._hash.update(json.dumps(dict(record), sort_keys=True).encode() + b"\n")
            yield record

    def digest(self) -> str:
        """Return the SHA-256 of what passed so far."""
        return self._hash.hexdigest()


def _file(params: IngestionParams, path: Path, columns: Sequence[str]) -> Iterator[Record]:
    return read_records(path, columns, params.format, params.columns.header, params.scheme)


def _told_as(name: str, path: Path, records: Callable[[], Iterator[Record]]) -> Iterator[Record]:
    """Yield the records of a file that was fetched; errors name where it came from."""
    try:
        yield from records()
    except DataError as error:
        raise DataError(error.what.replace(str(path), name), error.cure) from error


def _sample(name: str, columns: Sequence[str]) -> Iterator[Record]:
    match = _TICKETS.fullmatch(name)
    if match is None:
        raise DataError(
            f"ingestion.source: no such sample: {name!r}",
            "write sample:tickets?rows=N&seed=N with whole numbers",
        )
    require_columns(name, columns, COLUMNS)
    made = tickets(int(match["rows"]), int(match["seed"]))
    return ({column: row[column] for column in columns} for row in made)


def digest(folder: Path, name: str) -> str:
    """Return the SHA-256 of a source that lies in the folder.

    Of several files it is that of their names and digests, so that a renamed one counts as well.
    """
    path = locate(folder, name)
    if path.is_file():
        return sha256_file(path)
    return sha256_json({name: sha256_file(file) for name, file in tree_of(path).items()})


def require_files(folder: Path) -> None:
    """Refuse what is neither a file nor a folder before DVC reads it, which would wait for ever.

    Raises:
        DataError: there is a pipe, a device or a socket, or a link to one.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.exists() and not path.is_file():
                raise DataError(
                    f"{path} is neither a file nor a folder, and DVC would wait for it for ever",
                    f"remove it from {folder}",
                )


def locate(folder: Path, name: str) -> Path:
    """Return the path of a source: a file, a folder, or a pattern of files' names.

    Raises:
        DataError: it is absent, or leads out of the folder, which is all that DVC watches.
    """
    if not folder.is_dir():
        raise DataError(
            f"ingestion.folder: {folder} is no folder", f"make it, and put {name} into it"
        )
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"{path} leads out of {folder}, where changes are not noticed",
            "copy the file into that folder, or name its own folder in ingestion.folder",
        )
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DataError(f"{path} is neither a file nor a folder", "put a file there")
    if not (path.is_file() or path.is_dir() or (is_pattern(name) and path.parent.is_dir())):
        there = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
        raise DataError(
            f"{path} is missing; in {folder} there is: {there}",
            "put the file there, or name another one in the ingestion section",
        )
    return path
