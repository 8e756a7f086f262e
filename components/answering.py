"""In: answers to questions, as text. Out: how well they agree, by SQuAD's own rules.

Rajpurkar et al., SQuAD, arXiv:1606.05250, and the evaluation scripts of versions 1.1 and 2.0.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

WORD: Final = re.compile(r"\w[\w'-]*")
Gold = list[tuple[int, str]]

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return a text in small letters, without punctuation, articles and superfluous white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(one: str, other: str) -> bool:
    """Return whether two answers are the same once normalised."""
    return normalised(one) == normalised(other)


def overlap(given: str, right: str) -> float:
    """Return F1 of the words of two answers; 1 of two that have none, as in version 2.0."""
    one, other = normalised(given).split(), normalised(right).split()
    if not (one and other):
        return float(one == other)
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other))


def repeated(question: str, answers: Gold) -> list[tuple[int, int]]:
    """Return where words of the answers stand in a question."""
    words = {word for _, text in answers for word in normalised(text).split()}
    return [found.span() for found in WORD.finditer(question) if normalised(found[0]) in words]


def canonical(answers: Sequence[tuple[int, str]]) -> str:
    """Return answers, each where it starts and its text, as their column holds them."""
    listed = [{"start": start, "text": text} for start, text in answers]
    return json.dumps(listed, ensure_ascii=False)


def gold(column: str) -> Gold:
    """Return the answers of a column that `fits`."""
    return [(answer["start"], answer["text"]) for answer in json.loads(column)]


def fits(column: object, context: str) -> bool:
    """Return whether a value is a list of answers that stand in the context where they say."""
    try:
        answers = json.loads(column) if isinstance(column, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(answers, list) and all(_stands(answer, context) for answer in answers)


def _stands(answer: object, context: str) -> bool:
    if not isinstance(answer, dict) or set(answer) != {"start", "text"}:
        return False
    start, text = answer["start"], answer["text"]
    if type(start) is not int or not isinstance(text, str) or start < 0 or not text.strip():
        return False
    return context[start : start + len(text)] == text
