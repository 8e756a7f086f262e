"""In: a source and its format. Out: its records as text, one by one, or where the fault is.

No value is guessed: "NA", "007" and "nan" stay the text that they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.errors import DataError, ParamsError
from components.ingestion.arrow import read_arrow
from components.ingestion.conll import read_conll
from components.ingestion.decoding import Reader, Record
from components.ingestion.doccano import read_doccano
from components.ingestion.folders import read_lines, read_parallel, read_texts
from components.ingestion.jsonl import read_jsonl
from components.ingestion.label_studio import read_label_studio
from components.ingestion.parquet import read_parquet
from components.ingestion.squad import read_squad
from components.ingestion.tables import read_csv, read_tsv
from components.spans import Scheme

Table = Callable[[Path, Sequence[str], Sequence[str] | None], Iterator[Record]]


@dataclass(frozen=True)
class Format:
    """How a format is read.

    Attributes:
        read: streams the records.
        suffixes: endings of files that mean it where no format is named.
        many: a source is a folder, or a pattern of names, not one file.
    """

    read: Reader
    suffixes: tuple[str, ...] = ()
    many: bool = False


def _without_scheme(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    raise DataError(
        f"{path}: the scheme of its tags is not named",
        "write iob1, iob2 or bioes as ingestion.scheme",
    )


READERS: Final[Mapping[str, Format]] = {
    "csv": Format(read_csv, (".csv",)),
    "tsv": Format(read_tsv, (".tsv", ".tab")),
    "jsonl": Format(read_jsonl, (".jsonl", ".ndjson")),
    "parquet": Format(read_parquet, (".parquet",)),
    "arrow": Format(read_arrow, (".arrow", ".feather", ".ipc")),
    "conll": Format(_without_scheme, (".conll", ".bio")),
    "squad": Format(read_squad, (".json",)),
    "label_studio": Format(read_label_studio),
    "doccano": Format(read_doccano),
    "lines": Format(read_lines, many=True),
    "parallel": Format(read_parallel, many=True),
    "texts": Format(read_texts, many=True),
}
# Formats whose files may lack a header.
TABLES: Final[Mapping[str, Table]] = {"csv": read_csv, "tsv": read_tsv}


def read_records(
    path: Path,
    columns: Sequence[str],
    named: str | None = None,
    header: Sequence[str] | None = None,
    scheme: Scheme | None = None,
) -> Iterator[Record]:
    """Stream the records of a source in its order, cut down to `columns`.

    Args:
        path: a file; for some formats a folder, or a pattern of names in one.
        columns: those that are wanted.
        named: the format; None: by the file's suffix.
        header: the columns' names where a table has no header line.
        scheme: of the tags of a CoNLL file.

    Raises:
        DataError: the format is unknown, a column is absent, or the file is malformed; names file,
            line (or record) and column.
        ParamsError: a header is given for what is no table, or a scheme for what has no tags.
    """
    kind = named or _by_suffix(path)
    reader = READERS[kind]
    if header is not None and kind not in TABLES:
        raise ParamsError(
            f"ingestion.columns.header: {path} is read as {kind}, which names its columns itself",
            f"write null; a header is for {' and '.join(TABLES)}",
        )
    if scheme is not None and kind != "conll":
        raise ParamsError(
            f"ingestion.scheme: {path} is read as {kind}, which has no tags",
            "write null, or conll as ingestion.format",
        )
    if reader.many and path.is_file():
        raise DataError(
            f"{path} is a file, and {kind} is read from a folder",
            f"name the folder in the ingestion section, or another format than {kind}",
        )
    if not reader.many:
        _check_file(path, kind)
    if scheme is not None:
        return read_conll(path, columns, scheme)
    return TABLES[kind](path, columns, header) if kind in TABLES else reader.read(path, columns)


def _by_suffix(path: Path) -> str:
    for name, reader in READERS.items():
        if path.suffix.lower() in reader.suffixes and not path.is_dir():
            return name
    if not path.is_file():
        *most, last = (name for name, reader in READERS.items() if reader.many)
        raise DataError(
            f"{path} is no file, and folders are read in several ways",
            f"say how in ingestion.format: {', '.join(most)} or {last}",
        )
    known = ", ".join(suffix for reader in READERS.values() for suffix in reader.suffixes)
    raise DataError(
        f"{path}: files ending in {path.suffix!r} cannot be read",
        f"give one of: {known}; or say what it is in ingestion.format",
    )


def _check_file(path: Path, kind: str) -> None:
    if not path.is_file():
        raise DataError(f"{path} is no file, and {kind} is read from one", "name a file")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes)", "put the labelled rows into it")
