"""In: held-out texts. Out: whether a new text is a near-copy of one of them, exactly.

Jaccard similarity of character 3-grams. Candidates come from a prefix filter (Chaudhuri, Ganti and
Kaushik 2006; Bayardo, Ma and Srikant 2007): two sets with similarity of at least t share one of the
|A| - ceil(t |A|) + 1 rarest grams of A and of B. It loses nobody; each candidate is then compared.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

GRAM: Final = 3
# Takes the rounding of t * |A| back, so that the filter never loses a pair that equals t.
SLACK: Final = 1e-9

Grams = frozenset[str]


def grams(text: str) -> Grams:
    """Return the character 3-grams of a text, whatever its case and spacing."""
    plain = " ".join(text.casefold().split())
    return frozenset(plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1)))


def similarity(a: Grams, b: Grams) -> float:
    """Return |A and B| / |A or B|."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


class NearCopies:
    """Finds texts that are too similar to a held-out one."""

    def __init__(self, texts: Iterable[str], threshold: float) -> None:
        """Index the held-out texts.

        Args:
            texts: to be compared with.
            threshold: similarity from which on a text counts as a near-copy, in (0, 1].
        """
        self._threshold = threshold
        self._sets = list({grams(text): None for text in texts})
        self._sizes = [len(members) for members in self._sets]
        self._frequency = Counter(gram for members in self._sets for gram in members)
        self._postings: dict[str, list[int]] = defaultdict(list)
        for index, members in enumerate(self._sets):
            for gram in self._prefix(members):
                self._postings[gram].append(index)

    def _prefix(self, members: Grams) -> list[str]:
        needed = math.ceil(self._threshold * len(members) - SLACK)
        rarest = sorted(members, key=lambda gram: (self._frequency[gram], gram))
        return rarest[: len(members) - needed + 1]

    def __contains__(self, text: str) -> bool:
        members = grams(text)
        candidates = {i for gram in self._prefix(members) for i in self._postings.get(gram, ())}
        # Sets of too different sizes cannot be similar: |B| is between t |A| and |A| / t.
        low = self._threshold * len(members) - SLACK
        high = len(members) / self._threshold + SLACK
        return any(
            similarity(members, self._sets[i]) >= self._threshold
            for i in candidates
            if low <= self._sizes[i] <= high
        )
