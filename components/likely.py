"""In: sets of character 3-grams. Out: the pairs of them that may be similar, found many at a time.

The prefix filter of Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in
Data Cleaning", ICDE 2006: similar sets share most members, so also some of the few that come first
in one order, here the rarest. Then the bitmap filter of Sandes, Teodoro and Melo, "Bitmap filter:
Speeding up exact set similarity joins with bitwise operations", Information Systems 88, 2020: where
each gram sets one bit of few, the bits that differ are at most the grams that differ. No similar
pair is missed by either; those that are found must be compared.
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
# Pairs that are held at once: 8 MB for each of the numbers that are known of them.
TOGETHER: Final = 1 << 20
# Of the bits that grams set, so many are compared at once, and so many times; texts of a hundred
# grams leave most of them unset.
WORD_BITS: Final = 64
WORDS: Final = 4
# Spreads codes of grams over the bits (Steele et al., SplitMix64, OOPSLA 2014).
SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
# A code point has 21 bits, so that three of them are one number.
BITS: Final = 21
# Fills texts of fewer letters than a gram has. It is no letter.
FILLER: Final = "\U0010ffff"

Numbers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


class LikelyPairs:
    """Finds, of held-out texts, those that another text may be similar to."""

    def __init__(self, texts: Sequence[str], least: float) -> None:
        """Index the held-out texts.

        Args:
            texts: to be compared with.
            least: Jaccard index of the 3-grams from which on two texts are similar, in (0, 1].
        """
        self._least, self._count = least, len(texts)
        # Of all grams of two similar texts, each text's counted, the share that one of them lacks.
        self._differing = (1 - least) / (1 + least)
        owners, grams, _ = _unique(texts)
        self._known, inverse, held_by = np.unique(grams, return_inverse=True, return_counts=True)
        self._rank = np.empty(len(self._known), dtype=np.int64)
        self._rank[np.argsort(held_by, kind="stable")] = np.arange(len(self._known))
        self._sizes = sizes = np.bincount(owners, minlength=len(texts))
        self._bits = _bits(owners, grams, len(texts))
        # Of a rank the holders lie together, from those of few grams to those of many.
        self._widest = int(sizes.max(initial=0)) + 1
        places, ranks = self._rarest(owners, self._rank[inverse], sizes)
        keys = ranks * self._widest + sizes[places]
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], places[order]
        self._first_bits = self._bits[0][self._places]

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
        bits = _bits(owners, grams, len(texts))
        at = np.minimum(np.searchsorted(self._known, grams), len(self._known) - 1)
        known = self._known[at] == grams
        rows, ranks = self._rarest(owners[known], self._rank[at[known]], sizes)
        fewest = np.ceil(self._least * sizes - ROUNDING).astype(np.int64)
        most = np.minimum((sizes / self._least + ROUNDING).astype(np.int64), self._widest - 1)
        first = np.searchsorted(self._keys, ranks * self._widest + fewest[rows], "left")
        end = np.searchsorted(self._keys, ranks * self._widest + most[rows], "right")
        lengths = np.maximum(end - first, 0)
        loosest = (self._differing * (sizes + most) + ROUNDING).astype(np.int64)
        for part in _parts(rows, lengths):
            row, held = self._sharing(rows[part], first[part], lengths[part], bits, loosest)
            row, held = self._alike(row[left[held]], held[left[held]], bits, sizes)
            pairs, shared = np.unique(row * self._count + held, return_counts=True)
            row, place = np.divmod(pairs, self._count)
            enough = shared >= np.minimum(SHARED, sizes[row])
            for text, index in zip(row[enough].tolist(), place[enough].tolist(), strict=True):
                found[text].append(index)
        return found

    def _sharing(
        self,
        rows: Numbers,
        first: Numbers,
        lengths: Numbers,
        bits: Bits,
        most: Numbers,
    ) -> tuple[Numbers, Numbers]:
        """Return the rows and the held-out texts that share a rare gram, once for each gram.

        Args:
            rows: of each gram.
            first: holder of each gram.
            lengths: how many holders follow it.
            bits: (WORDS, texts) of the new texts.
            most: (texts,) bits that may differ from those of the largest text that is similar.
        """
        at = np.repeat(first - np.cumsum(lengths) + lengths, lengths)
        at += np.arange(len(at))
        apart = np.bitwise_count(np.repeat(bits[0][rows], lengths) ^ self._first_bits[at])
        kept = np.flatnonzero(apart <= np.repeat(most[rows], lengths))
        return np.repeat(rows, lengths)[kept], self._places[at[kept]]

    def _alike(
        self, rows: Numbers, held: Numbers, bits: Bits, sizes: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Return those pairs whose bits do not tell that too many of their grams differ."""
        most = self._differing * (sizes[rows] + self._sizes[held]) + ROUNDING
        apart = np.bitwise_count(bits[:, rows] ^ self._bits[:, held]).sum(axis=0, dtype=np.int64)
        return rows[apart <= most], held[apart <= most]

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


def _bits(owners: Numbers, grams: Numbers, texts: int) -> Bits:
    """Return (WORDS, texts) the bits that each text's grams set."""
    highest = 65 - (WORDS * WORD_BITS).bit_length()
    place = (grams.astype(np.uint64) * SPREAD) >> np.uint64(highest)
    word, bit = np.divmod(place, np.uint64(WORD_BITS))
    found = np.zeros((WORDS, texts), dtype=np.uint64)
    np.bitwise_or.at(found, (word.astype(np.int64), owners), np.uint64(1) << bit)
    return found
