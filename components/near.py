"""In: held-out texts. Out: whether a new text is the same, a variant, or a near-copy of one.

Three measures, each exact: nothing is sampled.

* A variant is the same text but for case, spacing, punctuation, and how Unicode writes it.
* Similarity is the Jaccard index of character 3-grams, |A and B| / |A or B|. An inverted index
  tells how many grams each held-out text shares with the new one.
* One word apart: the texts have all words in common but one, whatever their order. A letter or two
  decide over similarity in a short text, where one mistyped word of eight leaves 0.7; here it does
  not matter how long the word is, or how it was changed.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from components.likely import GRAM, ROUNDING, LikelyPairs

# Shorter texts that differ in a word are other questions: "cancel my order", "track my order".
COMMON_WORDS: Final = 5
SIMILAR: Final = 0.9
# Held-out texts whose grams are kept: long ones have a thousand of them.
REMEMBERED: Final = 512
APOSTROPHES: Final = "'’`´"  # noqa: RUF001 - all of them occur

Grams = frozenset[str]


class _Plain(dict[int, str]):
    """What each character becomes in a variant's key; filled as characters occur."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kind = unicodedata.category(letter)
        if kind == "Cf" or letter in APOSTROPHES:
            self[code] = ""  # "can't" is "cant"; soft hyphens and their like are not seen
        else:
            self[code] = " " if kind.startswith("P") else letter
        return self[code]


_PLAIN: Final = _Plain()


def variant_key(text: str) -> str:
    """Return what a text has in common with its variants.

    NFKC, case folded, punctuation left out, white space collapsed; symbols stay, since "$5" and
    "5 %" differ. A text that has nothing else keeps its punctuation.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_PLAIN).split()) or " ".join(folded.split())


def grams(text: str) -> Grams:
    """Return the character 3-grams of a text, alike for all its variants."""
    return _grams(variant_key(text))


def _grams(plain: str) -> Grams:
    return frozenset([plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1))])


def similarity(first: str, second: str) -> float:
    """Return the Jaccard index of the character 3-grams of two texts, in [0, 1]."""
    a, b = grams(first), grams(second)
    return len(a & b) / len(a | b)


class NearCopies:
    """Finds texts that are too similar to a held-out one."""

    def __init__(self, texts: Iterable[str], threshold: float) -> None:
        """Index the held-out texts.

        Args:
            texts: to be compared with.
            threshold: similarity from which on a text counts as a near-copy, in (0, 1].
        """
        sets = list({grams(text): None for text in texts})
        holders: dict[str, list[int]] = defaultdict(list)
        for index, members in enumerate(sets):
            for gram in members:
                holders[gram].append(index)
        self._threshold = threshold
        self._sizes = np.array([len(members) for members in sets], dtype=np.int64)
        self._holders = {gram: np.array(at, dtype=np.int32) for gram, at in holders.items()}

    def nearest(self, text: str) -> float:
        """Return the similarity to the most similar held-out text; 0 when there is none."""
        members = grams(text)
        holders = [self._holders[gram] for gram in members if gram in self._holders]
        if not holders:
            return 0.0
        shared = np.bincount(np.concatenate(holders), minlength=len(self._sizes))
        return float((shared / (self._sizes + len(members) - shared)).max())

    def __contains__(self, text: str) -> bool:
        return self.nearest(text) >= self._threshold


class FirstNear:
    """Finds, of each held-out text, the first text that comes near it.

    Near is one word apart with five words in common, or a similarity of 0.9. A held-out text that
    was found is not looked for again: time stays in proportion to the texts, also where thousands
    are alike.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Index the held-out texts, in memory that grows with their words."""
        keys = [variant_key(text) for text in texts]
        self._words: dict[int, list[int]] = defaultdict(list)
        for index, key in enumerate(keys):
            for bag in _bags(key):
                self._words[bag].append(index)
        self._likely = LikelyPairs(keys, SIMILAR)
        # Texts that come one after another are often like the same ones: paragraphs with questions.
        self._grams = functools.lru_cache(maxsize=REMEMBERED)(lambda index: _grams(keys[index]))
        self._left = np.ones(len(keys), dtype=bool)

    def of(self, keys: Sequence[str]) -> list[list[int]]:
        """Return, per text, the places of the held-out texts that it is the first to come near to.

        Args:
            keys: of texts in their order, as `variant_key` makes them; a few thousand at once.
        """
        found = []
        for key, likely in zip(keys, self._likely.of(keys, self._left), strict=True):
            near = self._one_word_apart(key) | self._similar(key, likely)
            found.append(sorted(near))
            self._left[found[-1]] = False
        return found

    def _one_word_apart(self, key: str) -> set[int]:
        met = self._words.keys() & _bags(key)
        return {index for bag in met for index in self._words.pop(bag) if self._left[index]}

    def _similar(self, key: str, likely: Sequence[int]) -> set[int]:
        left = [index for index in likely if self._left[index]]
        if not left:
            return set()
        members = _grams(key)
        return {index for index in left if _alike(members, self._grams(index))}


def _alike(first: Grams, second: Grams) -> bool:
    shared = len(first & second)
    return shared >= SIMILAR * (len(first) + len(second) - shared) - ROUNDING


def _bags(key: str) -> set[int]:
    """Return a number for the words of a text, and one for its words without each one of them.

    A sum of hashes, which does not depend on order; two texts one word apart share a number.
    """
    words = [hash(word) for word in key.split()]
    whole = sum(words)
    bags = {whole - word for word in words} if len(words) > COMMON_WORDS else set()
    return bags | {whole} if len(words) >= COMMON_WORDS else bags
