"""In: a context with answers. Out: the same with sentences left out or in another order.

Only sentences that hold no answer, and that the one behind does not lean on. The answers move with
their words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.edits.sentences import sentences

Answers = Sequence[tuple[int, str]]

# A sentence speaks of the one before if it begins with one of these, or soon has one of those.
BEGINNINGS: Final = (
    "that there then thus therefore hence however also moreover furthermore additionally later "
    "instead otherwise nevertheless nonetheless similarly likewise meanwhile consequently and but "
    "or so yet both such another other others neither either here afterwards subsequently"
)
POINTERS: Final = (
    "he she it they him her them his hers its their theirs this these those former latter addition"
)
FIRST: Final = frozenset(BEGINNINGS.split())
LEANING: Final = frozenset(POINTERS.split())
SOON: Final = 4
# Of the contexts of which either can be made, so many keep all of their sentences.
MOVED: Final = 0.5
WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Sentence:
    """A sentence.

    Attributes:
        start: its first character.
        end: the character after its last.
        held: whether it has some of an answer.
        leans: whether it speaks of the one before.
    """

    start: int
    end: int
    held: bool
    leans: bool


def rearranged(
    context: str, answers: Answers, rng: np.random.Generator
) -> tuple[str, list[tuple[int, str]]] | None:
    """Return a context without one of its sentences, or with two of them in each other's place.

    Args:
        context: whole sentences.
        answers: where each starts in it, and its text.
        rng: says which sentences.

    Returns:
        None where there is no sentence to spare.
    """
    parts = _parts(context, answers)
    spare = [at for at, part in enumerate(parts) if not part.held and not _leant_on(parts, at)]
    free = [at for at in spare if not parts[at].leans]
    if not spare or len(parts) == 1:
        return None
    order = list(range(len(parts)))
    if len(free) > 1 and rng.random() < MOVED:
        one, other = rng.choice(len(free), size=2, replace=False)
        one, other = free[int(one)], free[int(other)]
        order[one], order[other] = other, one
    else:
        del order[spare[int(rng.integers(len(spare)))]]
    return _written(context, answers, parts, order)


def _parts(context: str, answers: Answers) -> list[_Sentence]:
    return [
        _Sentence(
            start,
            end,
            any(at < end and start < at + len(text) for at, text in answers),
            _leans(context[start:end]),
        )
        for start, end in sentences(context)
    ]


def _leans(sentence: str) -> bool:
    first = [word.lower() for word in WORD.findall(sentence)[:SOON]]
    return bool(first) and (first[0] in FIRST or not LEANING.isdisjoint(first))


def _leant_on(parts: Sequence[_Sentence], at: int) -> bool:
    return at + 1 < len(parts) and parts[at + 1].leans


def _written(
    context: str, answers: Answers, parts: Sequence[_Sentence], order: Sequence[int]
) -> tuple[str, list[tuple[int, str]]] | None:
    """Return the sentences in an order, and the answers where they stand now.

    The space behind a place stays, whichever sentence stands there.
    """
    places, text, moved = sorted(order), context[: parts[0].start], {}
    for place, at in zip(places, order, strict=True):
        moved[at] = len(text) - parts[at].start
        text += context[parts[at].start : parts[at].end]
        if place != places[-1]:
            text += context[parts[place].end : parts[place + 1].start]
    text += context[parts[-1].end :]
    found = []
    for start, answer in answers:
        own = next(at for at, part in enumerate(parts) if start < part.end)
        at = start + moved[own]
        if text[at : at + len(answer)] != answer:
            return None  # it reached over two sentences that were parted
        found.append((at, answer))
    return (text, found) if text != context else None
