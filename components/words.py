"""In: a text, tokenized. Out: its words with their places, windows over it, and who owns a word.

A word is one of the pre-tokenizer's; its places are characters of the text as it was given.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from components.arrays import Array
from components.capitals import mark_of
from components.reach import windows
from components.spans import Span

# What tokenizers call the token that hides another.
MASKS: Final = ("[MASK]", "<mask>")


class Word(NamedTuple):
    """A word: its tokens, and its characters; ends are exclusive.

    Attributes:
        first: number of its first token, special tokens not counted.
        last: number of the token after its last.
        start: its first character.
        end: the character after its last.
    """

    first: int
    last: int
    start: int
    end: int


class Content(NamedTuple):
    """A text's token ids, parted from the special ones around them.

    Attributes:
        before: special tokens at the start.
        ids: those of the text.
        after: special tokens at the end.
        words: the text's words in their order.
    """

    before: list[int]
    ids: list[int]
    after: list[int]
    words: list[Word]


class Row(NamedTuple):
    """What is read at once of a text.

    Attributes:
        ids: token ids with the special ones.
        places: (tokens, 2) the characters of the word that is answered at a token, or -1.
        words: (tokens,) the number of that word, or -1.
    """

    ids: list[int]
    places: Array
    words: Array


def content_of(
    encoding: Any,  # noqa: ANN401 - tokenizers has no type stubs
    text: str,
    capitals: Sequence[int] = (),
) -> Content:
    """Part a text's own tokens from the special ones, and find its words.

    Args:
        encoding: of `Tokenizer.encode`, neither cut nor padded.
        text: that was encoded.
        capitals: tokens to tell of words with capitals, of an encoder that does not see them.
    """
    ids, own = encoding.ids, [at for at, s in enumerate(encoding.special_tokens_mask) if not s]
    if not own:
        # Nothing is left of the text; which special tokens stand before it no longer matters.
        return Content(list(ids), [], [], [])
    start, end = own[0], own[-1] + 1
    words = _words(encoding.word_ids[start:end], encoding.offsets[start:end], text)
    found = Content(ids[:start], ids[start:end], ids[end:], _with_hidden(words, text))
    return _with_marks(found, text, capitals) if capitals else found


def _words(
    numbers: Sequence[int | None], offsets: Sequence[tuple[int, int]], text: str
) -> list[Word]:
    found, at = [], 0
    for number, group in itertools.groupby(numbers):
        first, at = at, at + len(list(group))
        # Some tokenizers count the space before a word as a part of it.
        start = min(low for low, _ in offsets[first:at])
        end = max(high for _, high in offsets[first:at])
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end -= len(text[start:end]) - len(text[start:end].rstrip())
        if number is not None and start < end:
            found.append(Word(first, at, start, end))
    return found


def _with_hidden(words: list[Word], text: str) -> list[Word]:
    """Let words reach over neighbours that are not seen: accents, joiners, marks of direction.

    Tokenizers drop them, though whoever labels a word labels them with it. Between two words, the
    first takes them.
    """
    found: list[Word] = []
    for word, after in zip(words, [*(w.start for w in words[1:]), len(text)], strict=True):
        start, end = word.start, word.end
        least = found[-1].end if found else 0
        while start > least and _hidden(text[start - 1]):
            start -= 1
        while end < after and _hidden(text[end]):
            end += 1
        found.append(word._replace(start=start, end=end))
    return found


def _hidden(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Me", "Mc", "Cf", "Cc"} and not letter.isspace()


def _with_marks(content: Content, text: str, capitals: Sequence[int]) -> Content:
    """Put a token before each word with capitals; the word is answered at its own first token."""
    ids: list[int] = []
    words, at = [], 0
    for word in content.words:
        mark = mark_of(text[word.start : word.end])
        ids += [*content.ids[at : word.first], *([] if mark is None else [capitals[mark]])]
        at, further = word.first, len(ids) - word.first
        words.append(word._replace(first=at + further, last=word.last + further))
    return content._replace(ids=ids + content.ids[at:], words=words)


def rows_of(content: Content, max_length: int, overlap: int) -> list[Row]:
    """Return the rows in which a text is read; each word is answered once, at its first token.

    Args:
        content: of the text.
        max_length: tokens of a row, special ones included.
        overlap: tokens that neighbouring rows share.
    """
    tokens, edge = len(content.ids), len(content.before)
    reach = windows(tokens, max(1, max_length - edge - len(content.after)), overlap)
    rows = []
    for window in reach:
        ids = [*content.before, *content.ids[slice(*window)], *content.after]
        blank = np.full((len(ids), 3), -1, dtype=np.int64)
        rows.append(Row(ids, blank[:, :2], blank[:, 2]))
    for number, word in enumerate(content.words):
        holder = owner(word, reach, tokens)
        at = edge + word.first - reach[holder][0]
        rows[holder].places[at] = word.start, word.end
        rows[holder].words[at] = number
    return rows


def owner(word: Word, found: Sequence[tuple[int, int]], tokens: int) -> int:
    """Return the number of the window that answers a word: with most tokens on its poorer side.

    Where the text itself ends nothing is missing. Of equals the first; the window has the word's
    first token in any case.
    """

    def context(number: int) -> float:
        start, end = found[number]
        left = float("inf") if start == 0 else word.first - start
        right = float("inf") if end == tokens else end - word.last
        return min(left, right)

    holding = [n for n, (start, end) in enumerate(found) if start <= word.first < end]
    return max(holding, key=lambda number: (context(number), -number))


def aligned(words: Sequence[Word], spans: Sequence[Span]) -> tuple[list[Span], int]:
    """Return spans over words for spans over characters, each snapped outward to whole words.

    A word that two spans share is the first one's.

    Returns:
        The spans over words, and how many of those given do not end where words end.
    """
    found: list[Span] = []
    off = taken = 0
    for span in spans:
        held = [
            number
            for number, word in enumerate(words)
            if number >= taken and word.start < span.end and span.start < word.end
        ]
        if held:
            first, taken = held[0], held[-1] + 1
            found.append(Span(first, taken, span.label))
        if not held or (words[held[0]].start, words[held[-1]].end) != span[:2]:
            off += 1
    return found, off
