"""In: a SQuAD file, version 1.1 or 2.0. Out: its questions, one by one, or where the fault is.

https://rajpurkar.github.io/SQuAD-explorer: data > paragraphs > qas > answers, all in one object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from components.answering import canonical
from components.errors import DataError
from components.ingestion.places import Place, parsed, shown

COLUMNS: Final = ("id", "title", "question", "context", "answers")


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
    for record, place in _questions(
        Place(str(path), parsed(path, "a SQuAD file is one JSON object"))
    ):
        if record["id"] in seen:
            place.refuse(f"the id {record['id']!r} stands at {seen[record['id']]} already")
        seen[record["id"]] = place.name
        yield {name: record[name] for name in columns}


def _questions(file: Place) -> Iterator[tuple[dict[str, str], Place]]:
    for article in file.each("data"):
        title = article.text("title")
        for paragraph in article.each("paragraphs"):
            context = paragraph.text("context")
            for qa in paragraph.each("qas"):
                told = {"id": qa.text("id"), "title": title, "question": qa.text("question")}
                yield {**told, "context": context, "answers": _answers(qa, context)}, qa


def _answers(qa: Place, context: str) -> str:
    """Return the right answers, each once, as canonical JSON."""
    found = dict.fromkeys(_answer(answer, context) for answer in qa.each("answers"))
    impossible = qa.flag("is_impossible")
    if impossible and found:
        qa.refuse(f"is_impossible is true, and there are {len(found)} answers")
    if not impossible and not found:
        qa.refuse("there is no answer, and is_impossible is not true")
    return canonical(list(found))


def _answer(answer: Place, context: str) -> tuple[int, str]:
    text, start = answer.text("text"), answer.get("answer_start", int)
    there = context[start : start + len(text)] if start >= 0 else ""
    if there != text:
        at = context.find(text)
        hint = f"; it stands at {at}" if at >= 0 else "; the context does not hold it"
        answer.refuse(
            f"at character {start} of the context stands {shown(there)}, not {shown(text)}{hint}"
        )
    return start, text
