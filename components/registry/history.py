"""In: moves of the champion alias. Out: the same, kept in the registry beside the model.

Written before the alias moves, so that a move that a kill cut short is seen and taken back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from components.registry.place import Registry

TAG: Final = "touchstone.history"
# MLflow takes 5,000 characters; a move has some 120.
KEPT: Final = 30

Verb = Literal["promote", "rollback", "by hand"]


@dataclass(frozen=True)
class Entry:
    """One move of the champion alias.

    Attributes:
        verb: what moved it.
        before: the champion until then, or None.
        after: the champion from then on, or None when it was taken away.
        at: when, UTC, ISO 8601.
    """

    verb: Verb
    before: int | None
    after: int | None
    at: str


def entry(verb: Verb, before: int | None, after: int | None) -> Entry:
    """Return a move that happens now."""
    return Entry(verb, before, after, datetime.now(UTC).isoformat(timespec="seconds"))


def read(registry: Registry, name: str, now: int | None) -> list[Entry]:
    """Return the moves that took place, oldest first.

    Args:
        registry: where.
        name: the model.
        now: the version that the alias points at, which settles what an unfinished move did.
    """
    text = registry.client.get_registered_model(name).tags.get(TAG, "[]")
    moves = [Entry(**move) for move in json.loads(text)]
    if moves and moves[-1].after != now:
        last = moves.pop()
        if last.before != now:
            moves += [last, entry("by hand", last.after, now)]
    return moves


def write(registry: Registry, name: str, moves: list[Entry]) -> None:
    """Keep the moves; the oldest are forgotten when there are many."""
    text = json.dumps([asdict(move) for move in moves[-KEPT:]], separators=(",", ":"))
    registry.client.set_registered_model_tag(name, TAG, text)


def before_promotion(moves: list[Entry], now: int) -> int | None:
    """Return the champion that version `now` took over from, or None."""
    earlier = [move.before for move in moves if move.after == now and move.verb != "rollback"]
    return earlier[-1] if earlier else None
