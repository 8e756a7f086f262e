"""In: a data folder. Out: what it is like in numbers, without a text of it.

Stored beside a model, so that the data of the next one can be compared when this one's are gone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.lexicon import WORD
from components.records import iter_examples
from components.schema import SPLITS
from components.tasks.base import Task

FORMAT: Final = 1
WORDS: Final = 50_000
HASH_DIGITS: Final = 8


def profile(task: Task, folder: Path) -> dict[str, Any]:
    """Return rows per split, label shares, lengths, and hashes of the words, as JSON values.

    Of all splits together, so that it does not depend on how they were split; give data/valid,
    since altered copies are no news.

    Args:
        task: says what is a text, and what a label.
        folder: one Parquet file per split.

    Returns:
        format, rows (split to number), labels (label to share of the rows),
        characters (p50, p95), words (how many different ones), vocabulary (hashes of the 50,000
        most frequent, those first).

    Raises:
        DataError: a split is absent or is no Parquet.
    """
    return profile_with_words(task, folder)[0]


def profile_with_words(task: Task, folder: Path) -> tuple[dict[str, Any], Counter[str]]:
    """Return the profile, and how often each word stands in the texts, from reading them once.

    Words are case folded; numbers are none.

    Raises:
        DataError: a split is absent or is no Parquet.
    """
    rows: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    written: Counter[str] = Counter()
    lengths: list[int] = []
    for split in SPLITS:
        for example in iter_examples(folder, split):
            rows[split] += 1
            text = task.content(example)
            labels.update(set(task.tags(example)))
            lengths.append(len(text))
            written.update(WORD.findall(text))
    words = _folded(written)
    found = {
        "format": FORMAT,
        "rows": {split: rows[split] for split in SPLITS},
        "labels": {label: count / len(lengths) for label, count in sorted(labels.items())},
        "characters": _quantiles(lengths),
        "words": len(words),
        "vocabulary": [hash_word(word) for word in frequent(words)],
    }
    return found, words


def _folded(written: Counter[str]) -> Counter[str]:
    """Return how often each word stands there, whatever its case; each is folded but once."""
    words: Counter[str] = Counter()
    for word, count in written.items():
        words[word.casefold()] += count
    return words


def frequent(words: Counter[str]) -> list[str]:
    """Return at most 50,000 words, most frequent first, then by alphabet."""
    return sorted(words, key=lambda word: (-words[word], word))[:WORDS]


def hash_word(word: str) -> str:
    """Return eight hexadecimal digits that stand for a word.

    Enough to tell whether a word was there: one new word in 80,000 is taken for an old one.
    """
    return hashlib.sha256(word.encode()).hexdigest()[:HASH_DIGITS]


def _quantiles(lengths: Sequence[int]) -> dict[str, float | None]:
    if not lengths:
        return {"p50": None, "p95": None}
    middle, long = np.percentile(lengths, [50, 95])
    return {"p50": float(middle), "p95": float(long)}
