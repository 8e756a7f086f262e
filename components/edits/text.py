"""In: a text and a random stream. Out: the text with one small change that keeps its meaning.

An edit that finds nothing to change returns the text as it was.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np

from components.edits.decisive import is_decisive
from components.lexicon import WORD, Lexicon, replace_words

Edit = Callable[[str, np.random.Generator], str]
T = TypeVar("T")

ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SHIFTS: Final = (0.0, 0.25, 0.75)
REACH: Final = 1.3
TYPO_LETTERS: Final = 4
DELETION_WORDS: Final = 4
PAUSE: Final = re.compile(r"[.,;:!?]+(?=\s|$)")


def edits_by_name(lexicon: Lexicon) -> Mapping[str, Edit]:
    """Return the edits that need nothing but a text, by their names in `augmentation.edits`."""
    return {
        "typo": typo,
        "swap": swap,
        "deletion": deletion,
        "synonym": functools.partial(replace_words, lexicon=lexicon),
        "case": case,
        "punctuation": punctuation,
    }


@functools.cache
def neighbours() -> Mapping[str, str]:
    """Return, for each letter of a QWERTY keyboard, the letters whose keys touch its key."""
    keys = {
        letter: (column + shift, row)
        for row, (letters, shift) in enumerate(zip(ROWS, SHIFTS, strict=True))
        for column, letter in enumerate(letters)
    }
    return {
        letter: "".join(
            other
            for other, (x, y) in keys.items()
            if other != letter
            and (x - keys[letter][0]) ** 2 + (y - keys[letter][1]) ** 2 < REACH**2
        )
        for letter in keys
    }


def typo(text: str, rng: np.random.Generator) -> str:
    """Hit a neighbouring key instead of the right one, or beside it, or swap two letters."""
    places = [
        at
        for match in WORD.finditer(text)
        if len(match[0]) >= TYPO_LETTERS
        for at in range(match.start(), match.end() - 1)
        if text[at].lower() in neighbours() and text[at + 1].lower() in neighbours()
    ]
    if not places:
        return text
    at = _pick(rng, places)
    letter, after = text[at], text[at + 1]
    slip = _pick(rng, neighbours()[letter.lower()])
    forms = (
        _like(slip, letter) + after,
        letter + _like(slip, after) + after,
        _like(after, letter) + _like(letter, after),
    )
    mistyped = _pick(rng, [form for form in forms if form != letter + after])
    return text[:at] + mistyped + text[at + 2 :]


def swap(text: str, rng: np.random.Generator) -> str:
    """Swap two neighbouring words; spaces and punctuation stay where they are."""
    words = list(WORD.finditer(text))
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(words)
        if text[first.end() : second.start()].isspace() and first[0] != second[0]
    ]
    if not pairs:
        return text
    first, second = _pick(rng, pairs)
    between = text[first.end() : second.start()]
    return text[: first.start()] + second[0] + between + first[0] + text[second.end() :]


def deletion(text: str, rng: np.random.Generator) -> str:
    """Leave one word out of four or more, never one that negates or restricts."""
    words = list(WORD.finditer(text))
    spare = [match for match in words if not is_decisive(match[0])]
    if len(words) < DELETION_WORDS or not spare:
        return text
    match = _pick(rng, spare)
    before, after = text[: match.start()], text[match.end() :]
    if before and before[-1].isspace() and (not after or not after[0].isalnum()):
        before = before.rstrip()
    return (before + after if before else after.lstrip()) or text


def case(text: str, rng: np.random.Generator) -> str:
    """Write all in lower case, all in upper case, or turn the case of the first letter."""
    first = next((i for i, letter in enumerate(text) if letter.isalpha()), None)
    if first is None:
        return text
    turned = text[:first] + text[first].swapcase() + text[first + 1 :]
    forms = [form for form in (text.lower(), text.upper(), turned) if form != text]
    return _pick(rng, forms) if forms else text


def punctuation(text: str, rng: np.random.Generator) -> str:
    """Drop what stands at pauses, repeat the last mark, or append one."""
    dropped = PAUSE.sub("", text)
    bare = text.rstrip()
    if not bare:
        return text
    if bare[-1] in ".!?":
        more = bare + bare[-1] * int(rng.integers(1, 3))
    else:
        more = bare + _pick(rng, (".", "!", "..."))
    forms = [form for form in (dropped, more) if form.strip() and form != text]
    return _pick(rng, forms)


def _like(letter: str, model: str) -> str:
    """Return the letter in the case of another."""
    return letter.upper() if model.isupper() else letter.lower()


def _pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]
