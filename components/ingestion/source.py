"""In: the folder and the names in the ingestion section. Out: each source's records and digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from components.errors import DataError
from components.files import sha256_file
from components.ingestion.lines import require_columns
from components.ingestion.readers import Record, read_records
from components.ingestion.tickets import COLUMNS, tickets
from components.spans import Scheme

SAMPLE: Final = "sample:"
_TICKETS: Final = re.compile(r"sample:tickets\?rows=(?P<rows>[1-9]\d{0,8})&seed=(?P<seed>\d{1,18})")


def open_source(
    folder: Path, name: str, columns: Sequence[str], scheme: Scheme | None = None
) -> Iterator[Record]:
    """Stream the records of a file in `folder`, or of a made-up corpus.

    Args:
        folder: in which the file lies.
        name: of the file, or of the corpus.
        columns: of the records.
        scheme: of the tags, where the file is a CoNLL file.

    Raises:
        DataError: the source is absent, empty, malformed, or lies outside the folder.
    """
    if not name.startswith(SAMPLE):
        return read_records(locate(folder, name), columns, scheme)
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
    """Return the SHA-256 of a source file; None for a sample, which its name describes wholly."""
    return None if name.startswith(SAMPLE) else sha256_file(locate(folder, name))


def locate(folder: Path, name: str) -> Path:
    """Return the path of a source file.

    Raises:
        DataError: it is absent, no file, or leads out of the folder, which is all that DVC watches.
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
    if not path.is_file():
        there = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
        raise DataError(
            f"{path} is missing; in {folder} there is: {there}",
            "put the file there, or name another one in the ingestion section",
        )
    return path
