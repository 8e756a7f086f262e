"""In: a CoNLL file, a word and its tag per line. Out: its sentences with their entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from components.errors import DataError
from components.ingestion.decoding import require_columns, text_lines
from components.spans import Scheme, Span, TagError, tagged_spans, write_spans

COLUMNS: Final = ("text", "entities", "document")
MARK: Final = "-DOCSTART-"
DIGITS: Final = 24
LEAST: Final = 2
# Words of a sentence, and of a document, which is held in memory whole.
MOST: Final = 500_000


class _Word(NamedTuple):
    line: int
    text: str
    tag: str


def read_conll(
    path: Path, columns: Sequence[str], scheme: Scheme
) -> Iterator[dict[str, str | None]]:
    """Stream the sentences of a file whose lines hold a word, anything, and its tag.

    Columns are parted by tabs or, where a line has none, by spaces. A line of white space alone
    ends a sentence; one that begins with -DOCSTART- ends a document. A sentence's text is its
    words, one space between them.

    Args:
        path: the file.
        columns: of `text`, `entities` (JSON of character spans) and `document`: a hash of the
            document's own words, so that it does not depend on its place; null in a file without
            marks of documents.
        scheme: of the tags; no file tells it for certain.

    Raises:
        DataError: a line has no tag or other columns than those before, a tag must not stand where
            it does, or a byte is no UTF-8; names the line.
    """
    require_columns(str(path), columns, COLUMNS)
    marked = any(line.startswith(MARK) for line in text_lines(path))
    for sentences in _documents(path):
        records = [_record(path, sentence, scheme) for sentence in sentences]
        if not marked:
            document = None
        else:
            words = "\n".join(str(record["text"]) for record in records)
            document = hashlib.sha256(words.encode()).hexdigest()[:DIGITS]
        for record in records:
            whole = {**record, "document": document}
            yield {name: whole[name] for name in columns}


def _documents(path: Path) -> Iterator[list[list[_Word]]]:
    """Yield the sentences of each document; in a file without marks, each sentence alone."""
    marked = any(line.startswith(MARK) for line in text_lines(path))
    document: list[list[_Word]] = []
    words = 0
    for sentence in _sentences(path):
        if sentence is not None:
            document.append(sentence)
            words += len(sentence)
            _check_length(path, sentence[0].line, words, f"part documents by {MARK}")
        if document and (sentence is None or not marked):
            yield document
            document, words = [], 0
    if document:
        yield document


def _sentences(path: Path) -> Iterator[list[_Word] | None]:
    """Yield each sentence, and None where a document ends."""
    words: list[_Word] = []
    width = 0
    for number, raw in enumerate(text_lines(path), 1):
        line = raw.rstrip("\r\n")
        mark = line.startswith(MARK)
        if mark or not line.strip(" \t"):
            if words:
                yield words
            words = []
            if mark:
                yield None
            continue
        cells = _cells(path, number, line)
        width = width or len(cells)
        if len(cells) != width:
            raise DataError(
                f"{path}, line {number}: {len(cells)} columns where the lines before have {width}",
                "give every line the same columns, the word first and its tag last",
            )
        words.append(_Word(number, cells[0], cells[-1]))
        _check_length(path, number, len(words), "part sentences by a blank line")
    if words:
        yield words


def _check_length(path: Path, number: int, words: int, cure: str) -> None:
    if words > MOST:
        raise DataError(f"{path}, line {number}: there are {MOST} words before any end", cure)


def _cells(path: Path, number: int, line: str) -> list[str]:
    cells = line.split("\t") if "\t" in line else line.split()
    if len(cells) < LEAST or not cells[0].strip() or not cells[-1].strip():
        missing = "word" if not cells or not cells[0].strip() else "tag"
        raise DataError(
            f"{path}, line {number}: the {missing} is missing: {line[:40]!r}",
            "write a word and its tag, parted by a tab or a space",
        )
    return cells


def _record(path: Path, sentence: Sequence[_Word], scheme: Scheme) -> dict[str, str]:
    try:
        spans = tagged_spans([word.tag for word in sentence], scheme)
    except TagError as error:
        line = sentence[error.place].line
        raise DataError(
            f"{path}, line {line}: {error.rule}",
            "correct the tag, or name the scheme that the file follows in ingestion.scheme",
        ) from error
    ends = [0]
    for word in sentence:
        ends.append(ends[-1] + len(word.text) + 1)
    placed = [Span(ends[span.start], ends[span.end] - 1, span.label) for span in spans]
    return {
        "text": " ".join(word.text for word in sentence),
        "entities": write_spans(placed),
    }
