"""In: a word as it is written. Out: which of three tokens tells an encoder about its capitals.

Many encoders read lower case alone, as the default one does, though capitals tell much about names.
A token of the vocabulary that nothing used before stands in front of each word that has some, and
its vector is learned with the rest.
"""

from __future__ import annotations

from typing import Final

from tokenizers import Tokenizer

from components.errors import EncoderError

# Of words that begin with a capital, that are all capitals, and that have one elsewhere.
TOKENS: Final = ("[unused1]", "[unused2]", "[unused3]")
FIRST, ALL, WITHIN = range(len(TOKENS))


def ids_of(tokenizer: Tokenizer) -> list[int]:
    """Return the ids of the three tokens.

    Raises:
        EncoderError: the vocabulary has no unused tokens.
    """
    ids = [tokenizer.token_to_id(token) for token in TOKENS]
    found = [number for number in ids if number is not None]
    if len(found) < len(ids):
        raise EncoderError(
            f"task.mark_capitals takes {', '.join(TOKENS)}, which the encoder's vocabulary lacks",
            "set task.mark_capitals to false: an encoder that reads capitals needs no such marks",
        )
    return found


def mark_of(word: str) -> int | None:
    """Return which of the tokens a word gets; None: it has no capitals."""
    if not any(letter.isupper() for letter in word):
        return None
    if len(word) > 1 and word.isupper():
        return ALL
    return FIRST if word[0].isupper() and not any(map(str.isupper, word[1:])) else WITHIN
