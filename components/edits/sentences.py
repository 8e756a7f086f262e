"""In: a text. Out: where its sentences lie; where that is in doubt, two are taken for one."""

from __future__ import annotations

import re
from typing import Final

# A mark, what closes behind it, and space; or a line's end; or a full stop that needs no space.
END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|\s*\n\s*|[。！？]+[」』”]*\s*")  # noqa: RUF001
# What a sentence begins with, behind what may open before it.
START: Final = re.compile(r"[\"'“‘(\[]*[A-ZÀ-ÖØ-Þ0-9]")  # noqa: RUF001 - quotes as they are written
WORD: Final = re.compile(r"[\w.'’&-]+$")  # noqa: RUF001
NO_ENDS: Final = (
    "dr mr mrs ms mx prof st jr sr vs etc no nos vol pp ed eds gen col lt sgt capt cmdr maj gov "
    "sen rep rev hon pres inc ltd co corp bros mt ft approx ca cf al fig figs dept univ est ave "
    "blvd jan feb mar apr jun jul aug sep sept oct nov dec bzw ca usw nr str abb bd"
)
ABBREVIATIONS: Final = frozenset(NO_ENDS.split())
PAIRS: Final = (("(", ")"), ("[", "]"), ("“", "”"))


def sentences(text: str) -> list[tuple[int, int]]:
    """Return from where to where each sentence reaches, the space between them left out.

    None ends at an abbreviation, an initial or before a small letter, nor within brackets or
    quotes.
    """
    found: list[tuple[int, int]] = []
    start = len(text) - len(text.lstrip())
    for match in END.finditer(text):
        if match.start() >= start and _ends(text, start, match):
            found.append((start, match.start() + len(match[0].rstrip())))
            start = match.end()
    rest = text[start:].rstrip()
    return [*found, (start, start + len(rest))] if rest else found


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether a sentence that began at `start` ends with a mark."""
    if "\n" in match[0]:
        return True
    if not match[0][-1].isspace():
        return _closed(text[start : match.end()])
    word = WORD.search(text[start : match.start()])
    if match[0].strip() == "." and word and _shortened(word[0]):
        return False
    return bool(START.match(text, match.end())) and _closed(text[start : match.end()])


def _shortened(word: str) -> bool:
    """Return whether a full stop behind a word is its own."""
    initial = len(word) == 1 and word.isalpha()
    return initial or "." in word or word.lower() in ABBREVIATIONS


def _closed(sentence: str) -> bool:
    """Return whether all that was opened is closed."""
    pairs = all(sentence.count(one) == sentence.count(other) for one, other in PAIRS)
    return pairs and sentence.count('"') % 2 == 0
