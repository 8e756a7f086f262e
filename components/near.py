"""In: held-out texts. Out: whether a new text is a near-copy of one of them, exactly.

Jaccard similarity of character 3-grams, |A and B| / |A or B|, with all held-out texts at once: an
inverted index tells how many grams each shares with the new one. Nothing is sampled or hashed away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np

GRAM: Final = 3

Grams = frozenset[str]


def grams(text: str) -> Grams:
    """Return the character 3-grams of a text, whatever its case and spacing."""
    plain = " ".join(text.casefold().split())
    return frozenset(plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1)))


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
