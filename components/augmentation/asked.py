"""In: rows, and a model as a function. Out: the rows with what the model says in their texts.

All rows are asked about at once: the model goes through them in batches of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from components.edits.decisive import decisive
from components.edits.masked import Guesser, hidden_words, replaced
from components.lexicon import WORD
from components.records import Example
from components.tasks.base import Task

Stream = np.random.Generator
Translate = Callable[[Sequence[str]], Sequence[str]]
MORE: Final = 2
SOME: Final = 3
Altered = list[dict[str, Any] | None]


def masked(
    task: Task, guess: Guesser, rows: Sequence[Example]
) -> Callable[[Sequence[Example], Sequence[Stream]], Altered]:
    """Return the way to alter rows by other words that a model finds likely.

    What must stay in one row, such as a name, comes into none, and goes from none, where the label
    points into the text: a new name would be one that is not labelled.

    Args:
        task: which part of an example may be altered, and which words of it must stay.
        guess: says which words could stand in a place.
        rows: of training.
    """
    spared = set(_kept_words(task, rows)) if task.points else set()

    def alter(rows: Sequence[Example], streams: Sequence[Stream]) -> Altered:
        hidden = [
            hidden_words(task.editable(row), task.kept(row), spared, stream)
            for row, stream in zip(rows, streams, strict=True)
        ]
        guesses = iter(guess([place for places in hidden for place in places]))
        found: Altered = []
        for row, places, stream in zip(rows, hidden, streams, strict=True):
            text = replaced(places, [next(guesses) for _ in places], spared, stream)
            found.append(None if text is None else task.edited(row, text))
        return found

    return alter


def backtranslated(
    task: Task, there: Translate, back: Translate
) -> Callable[[Sequence[Example], Sequence[Stream]], Altered]:
    """Return the way to alter rows by a translation and its translation back.

    Sennrich et al. (arXiv:1511.06709) for pairs of languages; Xie et al. (arXiv:1904.12848) as a
    paraphrase. There is no chance in it: streams are not drawn from.

    Args:
        task: which part of an example may be altered.
        there: to another language; the empty text where it cannot.
        back: from that language.
    """

    def alter(rows: Sequence[Example], streams: Sequence[Stream]) -> Altered:
        texts = [task.editable(row) for row in rows]
        found = zip(rows, texts, back(there(texts)), strict=True)
        return [task.edited(row, new) if _says(old, new) else None for row, old, new in found]

    return alter


def _says(text: str, other: str) -> bool:
    """Return whether a translation says what the text does, as far as its words can tell.

    It must hold the same negations and restrictions, and not much more words, which a model
    writes that goes round in circles.
    """
    longest = MORE * len(text.split()) + SOME
    short = 0 < len(other.split()) <= longest
    return short and other != text and decisive(other) == decisive(text)


def _kept_words(task: Task, rows: Sequence[Example]) -> Iterator[str]:
    for row in rows:
        text = task.editable(row)
        for start, end in task.kept(row):
            yield from (word.lower() for word in WORD.findall(text[start:end]))
