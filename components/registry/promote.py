"""In: a verdict, or a wish to go back. Out: the champion alias moved, or the reason why not.

What takes long (reading, fetching, verifying, trying out) happens before the lock is taken;
what must be true at the moment of the move is looked at again under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.errors import PromotionError
from components.registry.aliases import Seen, champion, model_version, seen
from components.registry.decisions import AGAIN, expired, genuine
from components.registry.fetch import fetch
from components.registry.ledger import Entry, Ledger, open_ledger
from components.registry.locks import model_lock
from components.registry.moves import Standing, move, read_standing, settle, tidy
from components.registry.place import Registry
from components.registry.smoke import smoke
from components.registry.waiting import patient

ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Move:
    """What became of the champion alias.

    Attributes:
        name: the model.
        before: the champion until now, or None.
        after: the champion from now on.
        sentence: the same for a person.
    """

    name: str
    before: Seen | None
    after: Seen
    sentence: str

    @property
    def changed(self) -> bool:
        """Whether the alias moved."""
        return self.before != self.after


@patient
def promote(registry: Registry, verdict: Mapping[str, Any]) -> Move:
    """Make the verdict's candidate the champion, when the gate has said so and it still stands.

    Raises:
        PromotionError: the verdict is not the ledger's, is not to promote, has promoted before,
            rests on a waiver that has ended, is about other bytes or about another champion than
            today's; or the bundle does not answer as it did before the gate.
        IntegrityError: the registry's bundle is not the one that was judged, or the ledger lacks
            a row that MLflow knows of.
    """
    ledger = open_ledger(registry)
    decision = genuine(ledger, verdict)
    name = decision.name
    candidate = _candidate(verdict)
    found = read_standing(ledger, name)
    now = champion(registry, name)
    if now == candidate == found.champion and found.open is None:
        tidy(registry, ledger, name)
        return _already(name, candidate)
    if now != candidate:
        _check(registry, verdict, candidate, found.ended(decision.seq))
        _check_still(name, verdict["champion"], now)
        smoke(fetch(registry, name, candidate.version), verdict)
    ledger.check(name)
    why = str(verdict.get("sentence", ""))
    with ledger.connected(), model_lock(registry, name):
        now = champion(registry, name)
        found = settle(ledger, name, now, found)
        if now != candidate:
            _check_still(name, verdict["champion"], now)
            if ended := found.ended(decision.seq):
                raise _spent(candidate, name, ended)
            move(registry, ledger, name, found, _plan("promote", now, candidate, why, decision.seq))
    tidy(registry, ledger, name)
    if now == candidate:
        return _already(name, candidate)
    before = f", after version {now.version}" if now else ", the first"
    return Move(name, now, candidate, f"version {candidate.version} of {name} is champion{before}")


@patient
def rollback(registry: Registry, name: str, to_version: int | None) -> Move:
    """Give production back to an earlier champion.

    Args:
        registry: where.
        name: the model.
        to_version: whom to; None: whom today's champion took over from. Asked again after such
            a rollback, None changes nothing, so that a repeated command does not go back twice.

    Raises:
        PromotionError: there is no champion, none before it, or that version never was one by a
            verdict; or its bundle does not answer.
        IntegrityError: the bundle to go back to is not what was registered, or the ledger lacks
            a row that MLflow knows of.
    """
    ledger = open_ledger(registry)
    found = read_standing(ledger, name)
    if champion(registry, name) is None and not found.tenures:
        raise PromotionError(f"{name} has no champion", "promote one first")
    ledger.check(name)
    tried: Seen | None = None
    for _ in range(ATTEMPTS):
        with ledger.connected(), model_lock(registry, name):
            now = champion(registry, name)
            found = settle(ledger, name, now, found)
            target = _target(name, found, now, to_version)
            if target == tried:
                move(registry, ledger, name, found, _plan("rollback", now, target, "", None))
        if isinstance(target, Move) or target == tried:
            tidy(registry, ledger, name)
            return target if isinstance(target, Move) else _back(name, now, target)
        _try_out(registry, ledger, name, found, target)
        tried = target
    raise PromotionError(f"the champion of {name} changes all the time", "stop what promotes it")


def _back(name: str, now: Seen | None, after: Seen) -> Move:
    before = f", after version {now.version}" if now else ""
    return Move(name, now, after, f"version {after.version} of {name} is champion again{before}")


def _target(name: str, found: Standing, now: Seen | None, to_version: int | None) -> Seen | Move:
    """Return whom to go back to, or that nothing is to be done."""
    if now is not None and to_version == now.version:
        return _already(name, now)
    if to_version is not None:
        if to_version not in found.gated:
            known = ", ".join(str(version) for version in sorted(found.gated)) or "none"
            raise PromotionError(
                f"version {to_version} of {name} never was its champion by a verdict; "
                f"those that were: {known}",
                "`rollback --to VERSION` names one of them",
            )
        return found.gated[to_version]
    if now is not None and found.tenures[-1].action == "rollback":
        sentence = (
            f"version {now.version} of {name} is the champion since the last rollback; "
            "`--to VERSION` goes back further"
        )
        return Move(name, now, now, sentence)
    target = found.before()
    if target is None:
        who = f"version {now.version} of {name}" if now else name
        raise PromotionError(
            f"{who} had no champion before it", "promote a better one, or delete the alias"
        )
    return target


def _try_out(registry: Registry, ledger: Ledger, name: str, found: Standing, target: Seen) -> None:
    """Fetch what is gone back to, and see it answer; its speed is no reason to keep a bad one."""
    entry = seen(model_version(registry, name, target.version))
    if entry != target:
        raise PromotionError(
            f"version {target.version} of {name} has digest {entry.digest or 'none'}, and had "
            f"{target.digest} when it was champion",
            "`rollback --to VERSION` names another one",
        )
    rows = [t.entry for t in found.tenures if t.champion == target and t.action == "promote"]
    decision = next(
        entry
        for entry in ledger.read(name, ("decision",))
        if entry.seq == rows[-1].payload["decision"]
    )
    smoke(fetch(registry, name, target.version), decision.payload["verdict"], timed=False)


def _check(
    registry: Registry, verdict: Mapping[str, Any], candidate: Seen, ended: Entry | None
) -> None:
    """Refuse what no lock is needed for to see."""
    name = str(verdict["candidate"]["name"])
    if verdict["verdict"] != "promote":
        raise PromotionError(
            f"the verdict on version {candidate.version} of {name} is {verdict['verdict']!r}: "
            f"{verdict.get('sentence', '')}",
            "open reports/gate.html for the rules that it broke",
        )
    if ended is not None:
        raise _spent(candidate, name, ended)
    if rules := expired(verdict):
        raise PromotionError(
            f"the verdict on version {candidate.version} of {name} rests on waivers that have "
            f"ended: {', '.join(rules)}",
            "renew them in gate.waivers of params.yaml, or meet the rules; then decide again",
        )
    found = seen(model_version(registry, name, candidate.version))
    if found != candidate:
        raise PromotionError(
            f"the verdict is about digest {candidate.digest}, but version {found.version} of "
            f"{name} has digest {found.digest or 'none'}",
            AGAIN,
        )


def _check_still(name: str, judged: Mapping[str, Any] | None, now: Seen | None) -> None:
    """Refuse a verdict that compared with somebody else than today's champion."""
    against = {key: judged.get(key) for key in ("version", "digest")} if judged else None
    if against != (now.as_json() if now else None):
        then = f"version {against['version']}" if against else "no champion"
        raise PromotionError(
            f"the verdict is stale: it compared with {then}, and the champion of {name} is now "
            f"{f'version {now.version}' if now else 'none'}",
            AGAIN,
        )


def _candidate(verdict: Mapping[str, Any]) -> Seen:
    candidate = verdict["candidate"]
    return Seen(int(candidate["version"]), str(candidate["digest"]))


def _plan(
    action: str, now: Seen | None, after: Seen, why: str, decision: int | None
) -> dict[str, Any]:
    return {
        "action": action,
        "before": now.as_json() if now else None,
        "after": after.as_json(),
        "why": why,
        "decision": decision,
    }


def _already(name: str, now: Seen) -> Move:
    return Move(name, now, now, f"version {now.version} of {name} is the champion already")


def _spent(candidate: Seen, name: str, ended: Entry) -> PromotionError:
    how = "was rolled back" if ended.payload.get("action") == "rollback" else "lost production"
    return PromotionError(
        f"version {candidate.version} of {name} was promoted by this verdict and {how} at "
        f"{ended.at} by {ended.who}: a verdict promotes once",
        f"`python -m flows rollback --to {candidate.version}` brings it back by hand",
    )
