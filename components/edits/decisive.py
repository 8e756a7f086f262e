"""In: a word, or a text. Out: what in it must not go, or the text would say something else."""

from __future__ import annotations

from collections import Counter
from typing import Final

from components.lexicon import WORD

# Leaving one of these out would turn the meaning round.
NEGATIONS: Final = (
    "no not never none nobody nothing nor neither without cannot cant dont wont didnt doesnt isnt "
    "wasnt hasnt havent couldnt hardly unless only but except nicht kein keine nie ohne pas jamais "
    "sans ni non mai senza nunca sin"
)
DECISIVE: Final = frozenset(NEGATIONS.split())
CONTRACTED: Final = ("n't", "n’t")  # noqa: RUF001 - both apostrophes occur

# What different ways to write the same negation have in common.
PLAIN: Final = "not"
JOINED: Final = ("cannot", *(word for word in NEGATIONS.split() if word.endswith("nt")))


def decisive(text: str) -> Counter[str]:
    """Count the words that negate or restrict; "can't", "cannot" and "can not" are one."""
    return Counter(
        PLAIN if word in JOINED or word.endswith(CONTRACTED) else word
        for match in WORD.finditer(text)
        if is_decisive(word := match[0].lower())
    )


def is_decisive(word: str) -> bool:
    """Return whether a word negates or restricts."""
    word = word.lower()
    return word in DECISIVE or word.endswith(CONTRACTED)
