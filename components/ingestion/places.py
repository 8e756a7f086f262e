"""In: a JSON file that is one value. Out: its parts, each of which can say where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from components.errors import DataError
from components.ingestion.strict import hooks

SHOWN: Final = 40
# Bytes; parsed it takes five times as much.
LARGEST: Final = 64 << 20
CURE: Final = "mend the file, or publish it again whole"
T = TypeVar("T")
NAMES: Final[Mapping[type, str]] = {
    dict: "an object", list: "a list", str: "text", int: "a whole number", bool: "true or false"
}  # fmt: skip


class Place:
    """A value within the file, and the way to it."""

    def __init__(self, file: str, value: object, name: str = "") -> None:
        self.file, self.value, self.name = file, value, name

    def own(self, kind: type[T]) -> T:
        """Return this value, which must be of this kind."""
        # True is an int to Python, and to nobody else.
        if type(self.value) is not kind:
            self.refuse(f"expected {NAMES[kind]}, found {shown(self.value)}")
        return self.value

    def get(self, key: str, kind: type[T]) -> T:
        """Return a value of an object, which must be there and of this kind."""
        return self.at(key).own(kind)

    def at(self, key: str) -> Place:
        """Return the place of a value of an object."""
        if not isinstance(self.value, dict):
            self.refuse(f"expected an object, found {shown(self.value)}")
        if key not in self.value:
            there = ", ".join(map(str, self.value)) or "nothing"
            self.refuse(f"{key!r} is missing; found: {there}")
        return Place(self.file, self.value[key], f"{self.name}.{key}".lstrip("."))

    def each(self, key: str) -> Iterator[Place]:
        """Yield the places of a list's values."""
        return self.at(key).items()

    def items(self) -> Iterator[Place]:
        """Yield the places of the values of this list."""
        if not isinstance(self.value, list):
            self.refuse(f"expected a list, found {shown(self.value)}")
        for number, value in enumerate(self.value):
            yield Place(self.file, value, f"{self.name}[{number}]")

    def flag(self, key: str) -> bool:
        """Return whether a value of this object is true; one that is absent is not."""
        return isinstance(self.value, dict) and key in self.value and self.get(key, bool)

    def text(self, key: str) -> str:
        """Return a text that is not blank and can be written down."""
        place = self.at(key)
        found = place.writable()
        if not found.strip():
            place.refuse("expected text, found none")
        return found

    def writable(self) -> str:
        """Return this text, which must be one that UTF-8 can write down."""
        found = self.own(str)
        try:
            found.encode()
        except UnicodeEncodeError as error:
            self.refuse(f"half a surrogate pair at character {error.start + 1}")
        return found

    def refuse(self, what: str, cure: str = CURE) -> NoReturn:
        """Say what is wrong here, and what to do about it."""
        where = f"{self.file}, {self.name}" if self.name else self.file
        raise DataError(f"{where}: {what}", cure)


def parsed(path: Path, shape: str) -> object:
    """Return the JSON value that a file holds.

    Args:
        path: the file.
        shape: what such a file is, as a sentence without its end.

    Raises:
        DataError: it is no UTF-8 or no JSON, a key stands twice, or a number is none; or it is
            larger than can be held in memory.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise DataError(
            f"{path}: {size} bytes, more than {LARGEST}, and one JSON value is held whole",
            "write its rows as JSONL, with the same columns, or split it into several files",
        )
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8: byte 0x{raw[error.start]:02x} at line {line} "
            f"(byte {error.start + 1} of the file)",
            f"save it as UTF-8, such as by `iconv -f UTF-16 -t UTF-8 {path.name}`",
        ) from error
    try:
        return json.loads(text, **hooks(str(path)))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}",
            f"{shape}; it may have been cut on its way",
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: a number has too many digits", "write it as text") from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deeply to be read", "publish it again") from error


def shown(value: object) -> str:
    """Return a value as an error shall tell it."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
    return NAMES.get(type(value), "null" if value is None else "a number")
