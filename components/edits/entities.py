"""In: texts with entities. Out: a text in which others of the same types stand in their places.

Mention replacement as in Dai and Adel, COLING 2020 (arXiv:2010.11683, section 3).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from components.spans import Span

Stock = Mapping[str, Sequence[str]]

# Of the entities of a text that can be swapped so many are, and at least one.
SWAPPED: Final = 0.5
MARKS: Final = "@#"
ARTICLE: Final = re.compile(r"\b(an?|the)\s+$", re.IGNORECASE)
OWN_ARTICLE: Final = re.compile(r"(an?|the)\s", re.IGNORECASE)
# Capitals throughout are how a longer word is shouted, and how a shorter one is written.
ACRONYM: Final = 5


def stocked(rows: Iterable[tuple[str, Sequence[Span]]]) -> Stock:
    """Return the entities of each type as they are written, each once, in one order.

    Those that begin or end within a word are left out, as are those of several lines.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for text, spans in rows:
        for span in spans:
            if _stands_alone(text, span):
                found[span.label].add(text[span.start : span.end])
    return {label: sorted(written) for label, written in found.items()}


def swapped(
    text: str, spans: Sequence[Span], stock: Stock, rng: np.random.Generator
) -> tuple[str, list[Span]] | None:
    """Return the text with other entities in some places, and where all of them lie now.

    One that stands in several places is the same in all of them, and none comes in that the text
    has already.

    Args:
        text: that the spans lie in.
        spans: its entities, in their order.
        stock: what may stand in their places.
        rng: says which, and by what.

    Returns:
        None where no entity can be swapped.
    """
    keys = [(span.label, text[span.start : span.end].casefold()) for span in spans]
    places = {key: span for key, span in zip(keys, spans, strict=True) if key[0] in stock}
    fitting = {key: _fitting(text, span, stock) for key, span in places.items()}
    able = [key for key, others in fitting.items() if others]
    if not able:
        return None
    wanted = rng.random(len(able)) < SWAPPED
    wanted[int(rng.integers(len(able)))] = True
    seen = {written for _, written in keys}
    others: dict[tuple[str, str], str] = {}
    for key in (key for key, chosen in zip(able, wanted, strict=True) if chosen):
        fresh = [other for other in fitting[key] if other.casefold() not in seen]
        if fresh:
            others[key] = fresh[int(rng.integers(len(fresh)))]
            seen.add(others[key].casefold())
    return _put(text, spans, [others.get(key) for key in keys]) if others else None


def _put(text: str, spans: Sequence[Span], others: Sequence[str | None]) -> tuple[str, list[Span]]:
    """Return the text with the others in the spans' places, from left to right."""
    parts: list[str] = []
    moved: list[Span] = []
    read = written = 0
    for span, other in zip(spans, others, strict=True):
        before, own = text[read : span.start], text[span.start : span.end]
        entity = own if other is None else _in_case_of(text, other)
        start = written + len(before)
        moved.append(Span(start, start + len(entity), span.label))
        parts += [before, entity]
        read, written = span.end, moved[-1].end
    return "".join([*parts, text[read:]]), moved


def _fitting(text: str, span: Span, stock: Stock) -> list[str]:
    """Return what could stand in a span's place: the words around it stay right."""
    own = text[span.start : span.end]
    if not _stands_alone(text, span):
        return []
    others = [other for other in stock[span.label] if other.casefold() != own.casefold()]
    others = [other for other in others if _mark(other) == _mark(own)]
    if not (text.isupper() or text.islower()):
        others = [other for other in others if _style(other) == _style(own)]
    if found := ARTICLE.search(text[: span.start]):
        others = [other for other in others if not OWN_ARTICLE.match(other)]
        if found[1].lower() != "the":
            others = [other for other in others if _vowel(other) == _vowel(own)]
    return others


def _stands_alone(text: str, span: Span) -> bool:
    """Return whether an entity is made of whole words of one line."""
    own = text[span.start : span.end]
    before, after = text[: span.start][-1:], text[span.end :][:1]
    whole = not (before.isalnum() or after.isalnum() or (before and before in MARKS))
    return whole and own == own.strip() and own.splitlines() == [own]


def _in_case_of(text: str, entity: str) -> str:
    """Return an entity as the author of the text would write it, who may use no other case."""
    if text.isupper():
        return entity.upper()
    return entity.lower() if text.islower() else entity


def _style(entity: str) -> str:
    """Return how an entity is written; authors of small letters write all names like that."""
    if entity.isupper() and len(entity) > ACRONYM:
        return "shouted"
    first = next((letter for letter in entity if letter.isalpha()), "")
    return "capital" if first.isupper() else "small"


def _mark(entity: str) -> str:
    return entity[0] if entity[0] in MARKS else ""


def _vowel(word: str) -> bool:
    return word[0].lower() in "aeiou"
