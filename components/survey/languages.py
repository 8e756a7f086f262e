"""In: texts. Out: the script and the language of each, where these can be told."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from typing import Any, Final

# A shorter text has too few letters to know a language by.
LETTERS: Final = 20
SURE: Final = 0.9
# Of a longer text so many characters tell it.
ENOUGH: Final = 300
# Hiragana, katakana and Chinese characters are written side by side.
TOGETHER: Final = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}
# What the library answers where a text is in no language at all.
NONE: Final = frozenset({"zxx", "und"})


@functools.lru_cache(maxsize=100_000)
def script_of(letter: str) -> str | None:
    """Return the script of a letter, as Unicode names it (LATIN, CYRILLIC, CJK); None if none."""
    if not letter.isalpha():
        return None
    first = unicodedata.name(letter, "").partition(" ")[0]
    return TOGETHER.get(first, first) or None


def script(text: str) -> str | None:
    """Return the script of most letters of a text; None where it has no letter."""
    if text.isascii():
        return "LATIN" if any(letter.isalpha() for letter in text) else None
    counts = Counter(found for letter in text if (found := script_of(letter)))
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


def language(text: str) -> str | None:
    """Return the language of a text, as ISO 639 names it; None where it cannot be told."""
    start = text[:ENOUGH]
    if sum(map(str.isalpha, start)) < LETTERS:
        return None
    name, chance = _identifier().classify(start)
    return None if chance < SURE or name in NONE else str(name)


@functools.cache
def _identifier() -> Any:  # noqa: ANN401 - the library has no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
