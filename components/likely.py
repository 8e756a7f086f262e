"""In: sets of character 3-grams. Out: the pairs of them that may be similar, found many at a time.

The prefix filter of Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in
Data Cleaning", ICDE 2006: similar sets share most members, so also some of the few that come first
in one order, here the rarest. No similar pair is missed; those that are found must be compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

GRAM: Final = 3
ROUNDING: Final = 1e-9
# Rare grams that two texts must share to be compared; more would find fewer pairs, and index more.
SHARED: Final = 2
# Pairs that are held at once: 16 MB.
TOGETHER: Final = 1 << 21
# A code point has 21 bits, so that three of them are one number.
BITS: Final = 21
# Fills texts of fewer letters than a gram has. It is no letter.
FILLER: Final = "\U0010ffff"

Numbers = npt.NDArray[np.int64]


class LikelyPairs:
    """Finds, of held-out texts, those that another text may be similar to."""

    def __init__(self, texts: Sequence[str], least: float) -> None:
        """Index the held-out texts.

        Args:
            texts: to be compared with.
            least: Jaccard index of the 3-grams from which on two texts are similar, in (0, 1].
        """
        self._least, self._count = least, len(texts)
        owners, grams, _ = _unique(texts)
        self._known, inverse, held_by = np.unique(grams, return_inverse=True, return_counts=True)
        self._rank = np.empty(len(self._known), dtype=np.int64)
        self._rank[np.argsort(held_by, kind="stable")] = np.arange(len(self._known))
        sizes = np.bincount(owners, minlength=len(texts))
        # Of a rank the holders lie together, from those of few grams to those of many.
        self._widest = int(sizes.max(initial=0)) + 1
        places, ranks = self._rarest(owners, self._rank[inverse], sizes)
        keys = ranks * self._widest + sizes[places]
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], places[order]

    def of(self, texts: Sequence[str], left: npt.NDArray[np.bool_]) -> list[list[int]]:
        """Return, for each text, the places of the held-out ones that must be compared with it.

        Args:
            texts: new ones.
            left: (held-out texts,) which of them are looked for.
        """
        found: list[list[int]] = [[] for _ in texts]
        if not self._count or not texts:
            return found
        owners, grams, sizes = _unique(texts)
        at = np.minimum(np.searchsorted(self._known, grams), len(self._known) - 1)
        known = self._known[at] == grams
        rows, ranks = self._rarest(owners[known], self._rank[at[known]], sizes)
        fewest = np.ceil(self._least * sizes - ROUNDING).astype(np.int64)
        most = np.minimum((sizes / self._least + ROUNDING).astype(np.int64), self._widest - 1)
        first = np.searchsorted(self._keys, ranks * self._widest + fewest[rows], "left")
        end = np.searchsorted(self._keys, ranks * self._widest + most[rows], "right")
        lengths = np.maximum(end - first, 0)
        for part in _parts(rows, lengths):
            pairs = self._pairs(rows[part], first[part], lengths[part], left)
            pairs, shared = np.unique(pairs, return_counts=True)
            row, place = np.divmod(pairs, self._count)
            enough = shared >= np.minimum(SHARED, sizes[row])
            for text, index in zip(row[enough].tolist(), place[enough].tolist(), strict=True):
                found[text].append(index)
        return found

    def _pairs(
        self, rows: Numbers, first: Numbers, lengths: Numbers, left: npt.NDArray[np.bool_]
    ) -> Numbers:
        """Return a number for each row and each held-out text that share a rare gram, per gram."""
        starts = np.repeat(first - np.cumsum(lengths) + lengths, lengths)
        held = self._places[starts + np.arange(len(starts))]
        pairs = np.repeat(rows, lengths) * self._count + held
        return pairs[left[held]]

    def _rarest(self, owners: Numbers, ranks: Numbers, sizes: Numbers) -> tuple[Numbers, Numbers]:
        """Return owners and ranks of so many rare grams that similar texts share two of them.

        Grams that no held-out text has would come first of all: they are in `sizes` alone.

        Args:
            owners: (grams,) ascending.
            ranks: (grams,) of each owner's known grams.
            sizes: (owners,) of all their grams.
        """
        span = len(self._known) + 1
        owners, ranks = np.divmod(np.sort(owners * span + ranks), span)
        held = np.bincount(owners, minlength=len(sizes))
        place = np.arange(len(owners)) - np.repeat(np.cumsum(held) - held, held)
        few = held - np.ceil(self._least * sizes - ROUNDING).astype(np.int64) + SHARED
        kept = place < few[owners]
        return owners[kept], ranks[kept]


def _parts(rows: Numbers, lengths: Numbers) -> Iterator[slice]:
    """Yield slices of whole rows with about so many pairs: texts that are all alike have many."""
    part = np.cumsum(lengths) // TOGETHER
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    starts = begins[np.flatnonzero(np.diff(part[begins], prepend=-1))]
    for low, high in itertools.pairwise([*starts.tolist(), len(rows)]):
        yield slice(low, high)


def _unique(texts: Sequence[str]) -> tuple[Numbers, Numbers, Numbers]:
    """Return owner and code of each text's grams, every gram once, and (texts,) their numbers."""
    filled = [text.ljust(GRAM, FILLER) for text in texts]
    letters = np.frombuffer("".join(filled).encode("utf-32-le", "surrogatepass"), "<u4")
    codes: Any = letters.astype(np.int64)
    lengths = np.array([len(text) for text in filled], dtype=np.int64)
    owners = np.repeat(np.arange(len(texts)), lengths)
    # Where a gram begins: everywhere but at the last two letters of a text.
    begins = np.ones(len(codes), dtype=bool)
    ends = np.cumsum(lengths)
    begins[ends - 1] = begins[ends - 2] = False
    at = np.flatnonzero(begins)
    grams = codes[at] << 2 * BITS | codes[at + 1] << BITS | codes[at + 2]
    different, inverse = np.unique(grams, return_inverse=True)
    # Sorted rather than hashed, which takes three times as long.
    pairs = np.sort(owners[at] * (len(different) + 1) + inverse)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    owner, gram = np.divmod(pairs, len(different) + 1)
    return owner, different[gram], np.bincount(owner, minlength=len(texts))
