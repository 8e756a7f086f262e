"""In: texts and the entities marked in them. Out: what is probably marked wrong, the surest first.

The same words mostly name the same. Wherever words stand that are an entity somewhere, all other
places with these words say what they are there: an entity of some type, or none. A place that
nearly all of the others contradict is a suspect: of another type, forgotten, or marked in vain.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from components.spans import Span
from components.survey.suspects import SKILL, Asked, Suspect

# Fewer other places say nothing.
LEAST: Final = 3
# Of the other places, so many agree against a suspect.
SURE: Final = 0.8
# Words of the longest entity that is looked for where it is not marked.
LONGEST: Final = 6
LETTERS: Final = 2
_WORD: Final = re.compile(r"\w+|[^\w\s]")


class _Place(NamedTuple):
    """Where words stand: the number of the text, the words, and their type, None where unmarked."""

    text: int
    words: str
    label: str | None


def ask_named(texts: Sequence[str], marked: Sequence[Sequence[Span]]) -> Asked:
    """Look for entities that are marked otherwise than the same words elsewhere.

    Case counts: an apple is no Apple. A text with several suspects is told once, by the surest.

    Args:
        texts: what is marked.
        marked: of each text, its entities in their order.

    Returns:
        Suspects with the words that they are about. `skill` is how many more places the others
        get right than the most frequent type, of those that it gets wrong.
    """
    places = list(_places(texts, marked))
    said: dict[str, Counter[str | None]] = defaultdict(Counter)
    for place in places:
        said[place.words][place.label] += 1
    asked: set[int] = set()
    own: Counter[str | None] = Counter()
    right = 0
    suspects: dict[int, Suspect] = {}
    for place in places:
        others = said[place.words] - Counter([place.label])
        if others.total() < LEAST:
            continue
        meant, votes = min(others.items(), key=lambda item: (-item[1], str(item[0])))
        asked.add(place.text)
        own[place.label] += 1
        right += meant == place.label
        if meant == place.label or votes < SURE * others.total():
            continue
        margin = (votes - others[place.label]) / (others.total() + 1)
        if place.text not in suspects or suspects[place.text].margin < margin:
            suspects[place.text] = Suspect(place.text, place.label, meant, margin, place.words)
    most = max(own.values(), default=0)
    skill = (right - most) / (own.total() - most) if own.total() > most else 0.0
    found = suspects.values() if skill >= SKILL else ()
    return Asked(len(asked), skill, sorted(found, key=lambda one: (-one.margin, one.place)))


def _places(texts: Sequence[str], marked: Sequence[Sequence[Span]]) -> Iterator[_Place]:
    """Yield every entity, and every other place where the words of one stand."""
    known = {
        text[span.start : span.end]
        for text, spans in zip(texts, marked, strict=True)
        for span in spans
        if span.end - span.start >= LETTERS
    }
    for index, (text, spans) in enumerate(zip(texts, marked, strict=True)):
        for span in spans:
            if text[span.start : span.end] in known:
                yield _Place(index, text[span.start : span.end], span.label)
        for words in _unmarked(text, spans, known):
            yield _Place(index, words, None)


def _unmarked(text: str, spans: Sequence[Span], known: set[str]) -> Iterator[str]:
    """Yield known words, the longest first, that stand outside of all entities."""
    words = [match.span() for match in _WORD.finditer(text)]
    taken = [any(s.start < end and begin < s.end for s in spans) for begin, end in words]
    first = 0
    while first < len(words):
        for last in range(min(first + LONGEST, len(words)) - 1, first - 1, -1):
            found = text[words[first][0] : words[last][1]]
            if found in known and not any(taken[first : last + 1]):
                yield found
                first = last
                break
        first += 1
