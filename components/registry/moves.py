"""In: the ledger's rows of one model. Out: who was champion when, and the rows that a move adds.

A move is two rows with the alias between them: `intent` before, `done` after. Whoever holds the
lock next settles an intent that a kill left alone, by looking where the alias points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from components.failpoints import failpoint
from components.registry.aliases import CHALLENGER, CHAMPION, Seen, with_alias
from components.registry.ledger import Entry, Ledger, Verb
from components.registry.locks import model_lock
from components.registry.place import Registry

Action = Literal["promote", "rollback"]
MOVES: Final[tuple[Verb, ...]] = ("intent", "done", "abandoned", "by hand")


@dataclass(frozen=True)
class Tenure:
    """A time in production.

    Attributes:
        champion: who, or None when the alias was taken away.
        entry: the row that began it.
    """

    champion: Seen | None
    entry: Entry

    @property
    def action(self) -> str:
        """What began it: `promote`, `rollback` or `by hand`."""
        return str(self.entry.payload.get("action", self.entry.verb))


@dataclass(frozen=True)
class Standing:
    """What the ledger says of the champion alias.

    Attributes:
        tenures: all of them, oldest first; the last one is today's.
        open: the intent that nobody has settled yet.
        entries: the rows that say so, oldest first.
    """

    tenures: tuple[Tenure, ...]
    open: Entry | None
    entries: tuple[Entry, ...]

    @property
    def last(self) -> int:
        """Seq of the last row, 0 when there is none."""
        return self.entries[-1].seq if self.entries else 0

    @property
    def champion(self) -> Seen | None:
        """Who the alias must point at."""
        return self.tenures[-1].champion if self.tenures else None

    @property
    def gated(self) -> dict[int, Seen]:
        """The versions that a verdict once made champion, by number."""
        promoted = [t.champion for t in self.tenures if t.action == "promote" and t.champion]
        return {seen.version: seen for seen in promoted}

    def before(self) -> Seen | None:
        """Return the last champion before today's that a verdict made champion, or None."""
        now, gated = self.champion, self.gated
        for tenure in reversed(self.tenures[:-1]):
            seen = tenure.champion
            if seen and seen != now and gated.get(seen.version) == seen:
                return seen
        return None

    def ended(self, decision: int) -> Entry | None:
        """Return the row that ended what this decision began, or None when it was not or lasts."""
        for place, tenure in enumerate(self.tenures[:-1]):
            began = tenure.entry.payload
            if began.get("action") == "promote" and began.get("decision") == decision:
                return self.tenures[place + 1].entry
        return None


def standing(entries: Sequence[Entry]) -> Standing:
    """Replay the rows of one model."""
    tenures, waiting = [], None
    for entry in entries:
        if entry.verb == "intent":
            waiting = entry
        elif entry.verb == "abandoned":
            waiting = None
        elif entry.verb in {"done", "by hand"}:
            waiting = None
            tenures.append(Tenure(_seen(entry.payload["after"]), entry))
    return Standing(tuple(tenures), waiting, tuple(entries))


def read_standing(ledger: Ledger, name: str, known: Standing | None = None) -> Standing:
    """Read and replay a model's rows; of those that are known already, only what came after."""
    before = known.entries if known else ()
    return standing([*before, *ledger.read(name, MOVES, before[-1].seq if before else 0)])


def settle(ledger: Ledger, name: str, now: Seen | None, known: Standing | None = None) -> Standing:
    """Bring the ledger to what the alias says; the caller holds the model's lock.

    Args:
        ledger: where.
        name: the model.
        now: whom the alias points at.
        known: what was read before, so that little is left to read.
    """
    found = read_standing(ledger, name, known)
    if found.open is not None:
        arrived = now == _seen(found.open.payload["after"])
        _close(ledger, found.open, "done" if arrived else "abandoned")
        found = read_standing(ledger, name, found)
    if found.champion != now:
        payload = {"before": _json(found.champion), "after": _json(now)}
        ledger.append(name, "by hand", f"by hand:{name}:{found.last}", payload, tell=False)
        found = read_standing(ledger, name, found)
    return found


def move(
    registry: Registry, ledger: Ledger, name: str, found: Standing, payload: Mapping[str, Any]
) -> None:
    """Write what will happen, do it, and write that it was done; the caller holds the lock.

    `tidy` comes after it.

    Args:
        registry: where the alias is.
        ledger: where it is written down.
        name: the model.
        found: the settled standing that the move starts from.
        payload: action, decision, before, after and why, as JSON values.
    """
    version = int(payload["after"]["version"])
    key = f"intent:{name}:{found.last}:{payload['action']}:{version}"
    intent = ledger.append(name, "intent", key, payload, tell=False)
    failpoint("move.intent")
    registry.client.set_registered_model_alias(name, CHAMPION, str(version))
    failpoint("move.alias")
    _close(ledger, intent, "done")
    failpoint("move.done")


def tidy(registry: Registry, ledger: Ledger, name: str) -> None:
    """Tell MLflow of the last row, and take `challenger` off the champion.

    Under the lock for itself: who waits to move the champion need not wait for this too. Killed
    before it, the model has both aliases on one version until the next move or `register`.
    """
    with model_lock(registry, name):
        ledger.tell(name)
        challenger, now = (with_alias(registry, name, alias) for alias in (CHALLENGER, CHAMPION))
        if challenger is not None and now is not None and challenger.version == now.version:
            registry.client.delete_registered_model_alias(name, CHALLENGER)


def _close(ledger: Ledger, intent: Entry, verb: Verb) -> None:
    # One key for both ends: an intent is settled once.
    payload = {**intent.payload, "intent": intent.seq}
    ledger.append(intent.name, verb, f"settled:{intent.seq}", payload, tell=False)


def _seen(value: Mapping[str, Any] | None) -> Seen | None:
    return None if value is None else Seen(int(value["version"]), str(value["digest"]))


def _json(seen: Seen | None) -> dict[str, Any] | None:
    return None if seen is None else seen.as_json()
