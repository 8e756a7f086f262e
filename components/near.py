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

import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

GRAM: Final = 3
# Shorter texts that differ in a word are other questions: "cancel my order", "track my order".
COMMON_WORDS: Final = 5
SIMILAR: Final = 0.9
ROUNDING: Final = 1e-9
# Rare grams that two texts must share to be compared; more would find fewer pairs, and index more.
SHARED: Final = 2
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
        self._grams = [_grams(key) for key in keys]
        held_by = Counter(gram for members in self._grams for gram in members)
        rising = reversed(held_by.most_common())
        # From 1, so that what has no rank and what has can be told apart fast.
        self._rank = {gram: rank for rank, (gram, _) in enumerate(rising, start=1)}
        # Per rare gram, who holds it and how many grams each has, from few to many.
        self._holders: dict[int, list[int]] = defaultdict(list)
        self._sizes: dict[int, list[int]] = defaultdict(list)
        for index in sorted(range(len(keys)), key=lambda index: len(self._grams[index])):
            for rank in self._rarest(self._grams[index]):
                self._holders[rank].append(index)
                self._sizes[rank].append(len(self._grams[index]))
        self._left = set(range(len(keys)))

    def of(self, key: str) -> list[int]:
        """Return the places of the held-out texts that this is the first to come near to.

        Args:
            key: a text's, as `variant_key` makes it.
        """
        found = self._one_word_apart(key) | self._similar(_grams(key))
        self._left -= found
        return sorted(found)

    def _one_word_apart(self, key: str) -> set[int]:
        met = _bags(key) & self._words.keys()
        return {index for bag in met for index in self._words.pop(bag) if index in self._left}

    def _similar(self, members: Grams) -> set[int]:
        size = len(members)
        least, most = math.ceil(SIMILAR * size - ROUNDING), int(size / SIMILAR + ROUNDING)
        met: list[int] = []
        for rank in self._rarest(members):
            if sizes := self._sizes.get(rank):
                first, end = bisect_left(sizes, least), bisect_right(sizes, most)
                met += self._holders[rank][first:end]
        wanted = min(SHARED, size)
        if len(met) < wanted:
            return set()
        candidates = [index for index, shared in Counter(met).items() if shared >= wanted]
        return {
            index
            for index in candidates
            if index in self._left and _alike(members, self._grams[index])
        }

    def _rarest(self, members: Grams) -> list[int]:
        """Return the ranks of so many rare grams that a similar text must have two of them.

        The prefix filter of Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity
        Joins in Data Cleaning", ICDE 2006: similar sets share most members, so also some of the few
        that come first in one order. Grams that no held-out text has would come first of all.
        """
        ranks = list(filter(None, map(self._rank.get, members)))
        few = len(ranks) - math.ceil(SIMILAR * len(members) - ROUNDING) + SHARED
        return sorted(ranks)[:few] if few > 0 else []


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
