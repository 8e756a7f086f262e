"""In: words that anybody may have written. Out: Markdown in which they can only be read.

GitHub and MLflow show it. Entities, not backslashes: they cannot open a tag, a link, a mention, a
formula or a table's next cell, whatever they stand beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

# Halves of characters cannot be written; controls and overrides of direction rewrite what is shown.
HARMFUL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
ACTIVE: Final = re.compile(
    r"[\\`*_{}\[\]<>&|~@#$!\"]"
    # Where an address or an emoji would begin.
    r"|:(?=//|[\w+-]+:)|(?<=www)\.",
    re.IGNORECASE,
)
SPACE: Final = re.compile(r"\s+")
# Between backticks all else is literal, but a bar would still end the cell.
LITERAL: Final = re.compile(r"[^`|\s](?:[^`|]*[^`|\s])?")
# A mention or a reference is found in the finished page, after entities were read.
REACHING: Final = re.compile(r"(&#(?:64|35);)")
JOINER: Final = "&#8288;"


def clean(text: str) -> str:
    """Return the text without what cannot be written or changes how its neighbours are shown."""
    return HARMFUL.sub(REPLACEMENT, text)


def plain(text: object) -> str:
    """Return a text of one line that stays a text; names of people are not called."""
    return REACHING.sub(rf"\1{JOINER}", _entities(str(text)))


def code(text: object) -> str:
    """Return a text of one line set as code, with nothing in it taken for Markdown."""
    line = SPACE.sub(" ", clean(str(text)))
    return f"`{line}`" if LITERAL.fullmatch(line) else f"<code>{_entities(line)}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell for cell in line) + " |" for line in lines)


def _entities(text: str) -> str:
    line = SPACE.sub(" ", clean(text))
    return ACTIVE.sub(lambda found: f"&#{ord(found.group())};", line)
