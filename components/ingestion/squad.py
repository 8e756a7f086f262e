"""In: a SQuAD file, version 1.1 or 2.0. Out: its questions, one by one, or where the fault is.

https://rajpurkar.github.io/SQuAD-explorer: data > paragraphs > qas > answers, all in one object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from components.answering import canonical
from components.errors import DataError

COLUMNS: Final = ("id", "title", "question", "context", "answers")
SHOWN: Final = 40
T = TypeVar("T")
NAMES: Final[Mapping[type, str]] = {
    dict: "an object", list: "a list", str: "text", int: "a whole number", bool: "true or false"
}  # fmt: skip


def read_squad(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, str | None]]:
    """Yield the questions of a file with their contexts, cut down to `columns`.

    The columns are id, title (of the article), question, context, and answers: the canonical JSON
    of every different right answer in file order, `[]` where `is_impossible` is true.

    Raises:
        DataError: the file is no such JSON, or an answer does not stand where it says; names the
            place, such as data[3].paragraphs[0].qas[2].answers[0].
    """
    for name in columns:
        if name not in COLUMNS:
            raise DataError(
                f"{path}: column {name!r} is missing; a SQuAD file has: {', '.join(COLUMNS)}",
                "name the columns of the file in ingestion.columns",
            )
    seen: dict[str, str] = {}
    for record, place in _questions(_Place(str(path), _parsed(path))):
        if record["id"] in seen:
            place.refuse(f"the id {record['id']!r} stands at {seen[record['id']]} already")
        seen[record["id"]] = place.name
        yield {name: record[name] for name in columns}


class _Place:
    """A value within the file, and the way to it."""

    def __init__(self, file: str, value: object, name: str = "") -> None:
        self.file, self.value, self.name = file, value, name

    def get(self, key: str, kind: type[T]) -> T:
        """Return a value of an object, which must be there and of this kind."""
        place = self.at(key)
        # True is an int to Python, and to nobody else.
        if type(place.value) is not kind:
            place.refuse(f"expected {NAMES[kind]}, found {_shown(place.value)}")
        return place.value

    def at(self, key: str) -> _Place:
        """Return the place of a value of an object."""
        if not isinstance(self.value, dict):
            self.refuse(f"expected an object, found {_shown(self.value)}")
        if key not in self.value:
            there = ", ".join(map(str, self.value)) or "nothing"
            self.refuse(f"{key!r} is missing; found: {there}")
        return _Place(self.file, self.value[key], f"{self.name}.{key}".lstrip("."))

    def each(self, key: str) -> Iterator[_Place]:
        """Yield the places of a list's values."""
        for number, value in enumerate(self.get(key, list)):
            yield _Place(self.file, value, f"{self.name}.{key}[{number}]".lstrip("."))

    def text(self, key: str) -> str:
        """Return a text that is not blank and can be written down."""
        found, place = self.get(key, str), self.at(key)
        if not found.strip():
            place.refuse("expected text, found none")
        try:
            found.encode()
        except UnicodeEncodeError as error:
            place.refuse(f"half a surrogate pair at character {error.start + 1}")
        return found

    def refuse(self, what: str) -> NoReturn:
        """Say what is wrong here."""
        where = f"{self.file}, {self.name}" if self.name else self.file
        raise DataError(f"{where}: {what}", "mend the file, or publish it again whole")


def _questions(file: _Place) -> Iterator[tuple[dict[str, str], _Place]]:
    for article in file.each("data"):
        title = article.text("title")
        for paragraph in article.each("paragraphs"):
            context = paragraph.text("context")
            for qa in paragraph.each("qas"):
                told = {"id": qa.text("id"), "title": title, "question": qa.text("question")}
                yield {**told, "context": context, "answers": _answers(qa, context)}, qa


def _answers(qa: _Place, context: str) -> str:
    """Return the right answers, each once, as canonical JSON."""
    found = dict.fromkeys(_answer(answer, context) for answer in qa.each("answers"))
    impossible = "is_impossible" in dict(qa.value) and qa.get("is_impossible", bool)  # type: ignore[call-overload]
    if impossible and found:
        qa.refuse(f"is_impossible is true, and there are {len(found)} answers")
    if not impossible and not found:
        qa.refuse("there is no answer, and is_impossible is not true")
    return canonical(list(found))


def _answer(answer: _Place, context: str) -> tuple[int, str]:
    text, start = answer.text("text"), answer.get("answer_start", int)
    there = context[start : start + len(text)] if start >= 0 else ""
    if there != text:
        at = context.find(text)
        hint = f"; it stands at {at}" if at >= 0 else "; the context does not hold it"
        answer.refuse(
            f"at character {start} of the context stands {_shown(there)}, not {_shown(text)}{hint}"
        )
    return start, text


def _parsed(path: Path) -> object:
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

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{path}: {twice[0]!r} stands twice in an object", "keep one of them")
        return dict(items)

    def refuse(constant: str) -> NoReturn:
        raise DataError(f"{path}: {constant} is no JSON", 'write null, or text as "..."')

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}",
            "a SQuAD file is one JSON object; it may have been cut on its way",
        ) from error
    except RecursionError as error:
        raise DataError(
            f"{path}: nested too deeply for a SQuAD file", "publish it again"
        ) from error


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
    return NAMES.get(type(value), "null" if value is None else "a number")
