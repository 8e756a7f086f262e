"""In: a text, and what a model finds likely in places of its words. Out: other words in some.

Contextual augmentation as by Kobayashi, NAACL 2018 (arXiv:1805.06201), and Wu et al., ICCS 2019
(arXiv:1812.06705), without a model of the label.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

import numpy as np

from components.edits.decisive import is_decisive
from components.lexicon import MOST_REPLACED, WORD, in_case_of

# Shorter words hold a sentence together more than they say something.
LETTERS: Final = 4
# Less likely words are none that belong there.
LEAST: Final = 0.02
DIGITS: Final = 4


class Hidden(NamedTuple):
    """A text, and from where to where the word in it reaches that is to be guessed."""

    text: str
    start: int
    end: int


class Guess(NamedTuple):
    """A word that could stand there, and how likely the model finds it, in [0, 1]."""

    word: str
    odds: float


# From places to the words that could stand there, most likely first.
Guesser = Callable[[Sequence[Hidden]], Sequence[Sequence[Guess]]]
Kept = Sequence[tuple[int, int]]


def hidden_words(
    text: str, kept: Kept, spared: Collection[str], rng: np.random.Generator
) -> list[Hidden]:
    """Return one or two places whose words may be replaced; none where there are none.

    Words that negate or restrict stay, as do short ones and those that look like a name.

    Args:
        text: any.
        kept: parts of it that must stay.
        spared: words in small letters that stay wherever they are.
        rng: says which.
    """
    able = [
        match.span()
        for match in WORD.finditer(text)
        if len(match[0]) >= LETTERS
        and not is_decisive(match[0])
        and match[0].lower() not in spared
        and not _named(text, match.start())
        and not any(match.start() < end and start < match.end() for start, end in kept)
    ]
    if not able:
        return []
    wanted = min(len(able), int(rng.integers(1, MOST_REPLACED + 1)))
    chosen = sorted(rng.choice(len(able), size=wanted, replace=False).tolist())
    return [Hidden(text, *able[at]) for at in chosen]


def replaced(
    hidden: Sequence[Hidden],
    guesses: Sequence[Sequence[Guess]],
    spared: Collection[str],
    rng: np.random.Generator,
) -> str | None:
    """Return the text with a likely word in each place, case kept; None where none can stand.

    Args:
        hidden: places in one text, from left to right.
        guesses: of each.
        spared: words in small letters that must not come in.
        rng: draws each place's word, by its odds among those that may stand there.
    """
    if not hidden:
        return None
    text, changed = hidden[0].text, False
    for place, found in reversed(list(zip(hidden, guesses, strict=True))):
        word = text[place.start : place.end]
        able = [guess for guess in found if _may_stand(guess, word, spared)]
        if able:
            # Rounded, so that the last bits of a model's arithmetic decide nothing.
            odds = np.array([round(guess.odds, DIGITS) for guess in able])
            other = able[int(rng.choice(len(able), p=odds / odds.sum()))].word
            other = in_case_of(word, other, shouting=text.isupper())
            text, changed = text[: place.start] + other + text[place.end :], True
    return text if changed else None


def _may_stand(guess: Guess, word: str, spared: Collection[str]) -> bool:
    other = guess.word
    named = word.islower() and not other.islower()
    return bool(
        guess.odds >= LEAST
        and WORD.fullmatch(other)
        and not named
        and other.lower() not in (word.lower(), *spared)
        and not is_decisive(other)
    )


def _named(text: str, start: int) -> bool:
    """Return whether a word has a capital inside a sentence."""
    before = text[:start].rstrip()
    return bool(before) and before[-1] not in ".!?" and text[start].isupper() and not text.isupper()
