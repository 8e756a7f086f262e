"""In: a JSON file of words to synonyms. Out: texts with a word or two replaced, case kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from components.errors import ParamsError

WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001 - both apostrophes occur
MOST_REPLACED: Final = 2

Lexicon = Mapping[str, Sequence[str]]


def read_lexicon(path: Path, field: str = "augmentation.lexicon") -> Lexicon:
    """Read word to synonyms, words in lower case; `field` of params.yaml names the file.

    Raises:
        ParamsError: the file is absent, no JSON, or holds anything but lists of texts.
    """
    cure = 'give a JSON file such as {"parcel": ["package"]}'
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParamsError(f"{field}: {path} cannot be read: {error}", cure) from error
    if not isinstance(tree, dict):
        raise ParamsError(f"{field}: {path} holds no words, found {type(tree).__name__}", cure)
    for word, synonyms in tree.items():
        if not isinstance(synonyms, list) or not all(isinstance(s, str) and s for s in synonyms):
            raise ParamsError(
                f"{field}: {path}: {word!r} must have a list of texts, "
                f"found {json.dumps(synonyms)}",
                cure,
            )
    return {word.lower(): [s for s in tree[word] if s.lower() != word.lower()] for word in tree}


def replace_words(
    text: str, rng: np.random.Generator, lexicon: Lexicon, *, names: bool = False
) -> str:
    """Replace one or two whole words by synonyms; the text itself when it has none of the words.

    Args:
        text: where words are replaced.
        rng: says which, and by what.
        lexicon: word to synonyms.
        names: words with a capital inside a sentence are replaced, too.
    """
    places = [
        (match, fitting)
        for match in WORD.finditer(text)
        if (fitting := _fitting(text, match, lexicon, names=names))
    ]
    if not places:
        return text
    wanted = min(len(places), int(rng.integers(1, MOST_REPLACED + 1)))
    chosen = sorted(rng.choice(len(places), size=wanted, replace=False).tolist(), reverse=True)
    shouting = text.isupper()
    for index in chosen:  # from the end, so that the earlier places stay where they are
        match, synonyms = places[index]
        synonym = synonyms[int(rng.integers(len(synonyms)))]
        synonym = in_case_of(match[0], synonym, shouting=shouting)
        text = text[: match.start()] + synonym + text[match.end() :]
    return text


def _fitting(text: str, match: re.Match[str], lexicon: Lexicon, *, names: bool) -> list[str]:
    word = match[0]
    if not (synonyms := lexicon.get(word.lower(), ())):
        return []
    before = text[: match.start()].rstrip()
    inside = before and before[-1] not in ".!?"
    if inside and word[0].isupper() and not word.isupper() and not names:
        return []  # a capital inside a sentence: more likely a name
    if re.search(r"\ban?$", before, re.IGNORECASE):
        return [s for s in synonyms if _vowel(s) == _vowel(word)]  # "a" and "an" stay right
    return list(synonyms)


def _vowel(word: str) -> bool:
    return word[0].lower() in "aeiou"


def in_case_of(word: str, synonym: str, *, shouting: bool) -> str:
    """Return a synonym as the word is written that it stands for."""
    if shouting:
        return synonym.upper()
    if word.isupper() and len(word) > 1:
        return synonym  # an acronym; what it stands for is not written in capitals
    return synonym[0].upper() + synonym[1:] if word[0].isupper() else synonym
