"""In: a text file. Out: its lines, decoded strictly, and the names that its records must have."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from components.errors import DataError

# Bytes of a line, or characters of a row, which is held in memory whole. No text that a person has
# labelled is as long.
LONGEST: Final = 16 << 20
SHORTER: Final = "write one row per line, and leave out what is no text"
# Of names in an error, and of those among which the likeliest one is looked for.
LISTED: Final = 40
COMPARED: Final = 1000

Record = Mapping[str, str | None]
Reader = Callable[[Path, Sequence[str]], Iterator[Record]]


def require_columns(where: str, columns: Sequence[str], found: Sequence[str]) -> None:
    """Check that every column stands once in the header.

    Raises:
        DataError: names the absent columns, those that are there, and the likeliest one meant.
    """
    there = set(found)
    if len(there) < len(found):
        counts = Counter(found)
        twice = sorted(name for name in there if counts[name] > 1)
        places = [f"{name!r} (columns {_positions(found, name)})" for name in twice[:LISTED]]
        raise DataError(
            f"{where}: stands twice in the header: {_listed(places, len(twice))}",
            "rename one of them",
        )
    for name in columns:
        if name not in there:
            close = difflib.get_close_matches(name, found[:COMPARED], n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise DataError(
                f"{where}: column {name!r} is missing{hint}; found: "
                f"{_listed(found[:LISTED], len(found)) or 'none'}",
                "name the columns of the file in ingestion.columns",
            )


def _positions(found: Sequence[str], name: str) -> str:
    places = [str(place) for place, other in enumerate(found, 1) if other == name]
    return _listed(places[:LISTED], len(places), " and ")


def _listed(some: Sequence[str], count: int, sign: str = ", ") -> str:
    """Return the first of so many names."""
    return sign.join([*some, *([f"{count - len(some)} more"] if count > len(some) else [])])


def text_lines(path: Path) -> Iterator[str]:
    """Decode line by line, so that a wrong byte is named with its place.

    Raises:
        DataError: the file is not UTF-8, or holds a NUL byte; names line, column and byte. Or a
            line is so long that it is none.
    """
    offset = 0
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), 1):
            if len(raw) > LONGEST:
                raise DataError(f"{path}, line {number}: longer than {LONGEST} bytes", SHORTER)
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path} is not UTF-8: byte 0x{raw[error.start]:02x} at line {number}, "
                    f"column {error.start + 1} (byte {offset + error.start} of the file)",
                    f"save it as UTF-8, such as by `iconv -f WINDOWS-1252 -t UTF-8 {path.name}`",
                ) from error
            if "\0" in text:
                raise DataError(
                    f"{path} holds a NUL byte at line {number}, column {text.index(chr(0)) + 1}: "
                    "it is UTF-16 or no text file",
                    f"save it as UTF-8, such as by `iconv -f UTF-16 -t UTF-8 {path.name}`",
                )
            offset += len(raw)
            yield text


def line_content(line: str) -> str:
    r"""Return a line without its end, which is \n or \r\n."""
    return line.removesuffix("\n").removesuffix("\r")
