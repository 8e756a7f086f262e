"""In: a word. Out: whether a text without it would say something else."""

from __future__ import annotations

from typing import Final

# Leaving one of these out would turn the meaning round.
WORDS: Final = (
    "no not never none nobody nothing nor neither without cannot cant dont wont didnt doesnt isnt "
    "wasnt hasnt havent couldnt hardly unless only but except nicht kein keine nie ohne pas jamais "
    "sans ni non mai senza nunca sin"
)
DECISIVE: Final = frozenset(WORDS.split())
CONTRACTED: Final = ("n't", "n’t")  # noqa: RUF001 - both apostrophes occur


def is_decisive(word: str) -> bool:
    """Return whether a word negates or restricts."""
    word = word.lower()
    return word in DECISIVE or word.endswith(CONTRACTED)
