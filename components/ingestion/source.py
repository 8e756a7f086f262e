"""In: the folder and the names in the ingestion section. Out: each source's records and digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from components.errors import DataError
from components.files import sha256_file, sha256_json
from components.ingestion.decoding import Record, require_columns
from components.ingestion.folders import is_pattern, tree_of
from components.ingestion.readers import read_records
from components.ingestion.tickets import COLUMNS, tickets
from components.params import IngestionParams

SAMPLE: Final = "sample:"
_TICKETS: Final = re.compile(r"sample:tickets\?rows=(?P<rows>[1-9]\d{0,8})&seed=(?P<seed>\d{1,18})")


def open_source(
    params: IngestionParams, folder: Path, name: str, columns: Sequence[str]
) -> Iterator[Record]:
    """Stream the records of a source in `folder`, or of a made-up corpus.

    Raises:
        DataError: the source is absent, empty, malformed, or lies outside the folder.
        ParamsError: a header is given for what is no table.
    """
    if not name.startswith(SAMPLE):
        path = locate(folder, name)
        return read_records(path, columns, params.format, params.columns.header, params.scheme)
    match = _TICKETS.fullmatch(name)
    if match is None:
        raise DataError(
            f"ingestion.source: no such sample: {name!r}",
            "write sample:tickets?rows=N&seed=N with whole numbers",
        )
    require_columns(name, columns, COLUMNS)
    made = tickets(int(match["rows"]), int(match["seed"]))
    return ({column: row[column] for column in columns} for row in made)


def digest(folder: Path, name: str) -> str | None:
    """Return the SHA-256 of a source; None for a sample, which its name describes wholly.

    Of several files it is that of their names and digests, so that a renamed one counts as well.
    """
    if name.startswith(SAMPLE):
        return None
    path = locate(folder, name)
    if path.is_file():
        return sha256_file(path)
    return sha256_json({name: sha256_file(file) for name, file in tree_of(path).items()})


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
    if not (path.is_file() or path.is_dir() or (is_pattern(name) and path.parent.is_dir())):
        there = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
        raise DataError(
            f"{path} is missing; in {folder} there is: {there}",
            "put the file there, or name another one in the ingestion section",
        )
    return path
