"""In: a text before and after a small edit. Out: where spans of the one lie in the other.

Texts are compared word by word, letter case left out: compared by letters, a word and its
replacement would share some by chance.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from components.spans import Span

# A word, a run of white space, or any other character alone.
TOKEN: Final = re.compile(r"[^\W_]+|\s+|.", re.DOTALL)


class _Piece(NamedTuple):
    """A token of the text before, and the one of the text after that stands for it, if any."""

    start: int
    end: int
    other: tuple[int, int] | None
    number: int


class Shift:
    """Where characters went.

    Attributes:
        pieces: the tokens of the text before.
        after: the text after.
    """

    def __init__(self, before: str, after: str) -> None:
        self.after = after
        old, new = (list(TOKEN.finditer(text)) for text in (before, after))
        partner = _partners([m[0].casefold() for m in old], [m[0].casefold() for m in new])
        self.pieces = [
            _Piece(*m.span(), new[other].span() if other >= 0 else None, other)
            for m, other in zip(old, partner, strict=True)
        ]

    def exact(self, span: Span) -> Span | None:
        """Return where a span lies now; None when that cannot be told for certain.

        Both its ends must have been kept, and nothing may have come in between. Within it, words
        may be missing, or have others in their place.
        """
        within = self._within(span)
        first, last = within[0], within[-1]
        start = _moved(first, span.start - first.start)
        end = _moved(last, span.end - last.start)
        numbers = [piece.number for piece in within if piece.other]
        steady = numbers == list(range(first.number, first.number + len(numbers)))
        if start is None or end is None or not steady:
            return None
        return Span(start, end, span.label)

    def near(self, span: Span) -> Span | None:
        """Return what is left of a span; None when nothing is."""
        if found := self.exact(span):
            return found
        kept = [
            piece.other
            for piece in self._within(span)
            if piece.other and not self.after[slice(*piece.other)].isspace()
        ]
        if not kept:
            return None
        return Span(min(a for a, _ in kept), max(b for _, b in kept), span.label)

    def _within(self, span: Span) -> list[_Piece]:
        return [p for p in self.pieces if p.start < span.end and span.start < p.end]


def exactly_shifted(spans: Sequence[Span], before: str, after: str) -> list[Span] | None:
    """Return where all spans lie now; None when that cannot be told of one of them."""
    shift = Shift(before, after)
    found = [shift.exact(span) for span in spans]
    kept = [span for span in found if span is not None]
    return kept if len(kept) == len(found) else None


def _partners(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """Return, for each old token, the number of the new one that stands for it, or -1.

    A run of tokens that was replaced by as many stands token for token.
    """
    partner = [-1] * len(old)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and i2 - i1 == j2 - j1):
            partner[i1:i2] = range(j1, j2)
    return partner


def _moved(piece: _Piece, into: int) -> int | None:
    """Return where a place in a token went: its ends are known, its inside if none came or went."""
    if piece.other is None:
        return None
    start, end = piece.other
    if into == piece.end - piece.start:
        return end
    return start + into if not into or end - start == piece.end - piece.start else None
