"""In: a verdict, or a wish to go back. Out: the champion alias moved, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import PromotionError
from components.registry import history
from components.registry.aliases import (
    CHALLENGER,
    CHAMPION,
    Seen,
    champion,
    model_version,
    seen,
    with_alias,
)
from components.registry.fetch import fetch
from components.registry.locks import model_lock
from components.registry.place import Registry

AGAIN = "`python -m flows release` decides again, against the champion of today"


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


def promote(registry: Registry, verdict: Mapping[str, Any]) -> Move:
    """Make the verdict's candidate the champion, when the verdict says so and is about it.

    Raises:
        PromotionError: the verdict is not to promote, is about other bytes, or is about another
            champion than today's.
        IntegrityError: the registry's bundle is not the one that was judged.
    """
    candidate = _candidate(verdict)
    name = str(verdict["candidate"]["name"])
    if (now := champion(registry, name)) is not None and now == candidate:
        return Move(name, now, now, f"version {now.version} of {name} is the champion already")
    if verdict["verdict"] != "promote":
        raise PromotionError(
            f"the verdict on version {candidate.version} of {name} is {verdict['verdict']!r}: "
            f"{verdict.get('sentence', '')}",
            "open reports/gate.html for the rules that it broke",
        )
    found = seen(model_version(registry, name, candidate.version))
    if found != candidate:
        raise PromotionError(
            f"the verdict is about digest {candidate.digest}, but version {found.version} of "
            f"{name} has digest {found.digest or 'none'}",
            AGAIN,
        )
    fetch(registry, name, candidate.version)
    with model_lock(registry, name):
        now = champion(registry, name)
        _check_still(name, verdict["champion"], now)
        _move(registry, name, "promote", now, candidate)
    before = f", after version {now.version}" if now else ", the first"
    return Move(name, now, candidate, f"version {candidate.version} of {name} is champion{before}")


def rollback(registry: Registry, name: str, to_version: int | None) -> Move:
    """Give production back to an earlier champion.

    Args:
        registry: where.
        name: the model.
        to_version: whom to; None: whom today's champion took over from. Asked again after such
            a rollback, None changes nothing, so that a repeated command does not go back twice.

    Raises:
        PromotionError: there is no champion, or none before it, or no such version.
        IntegrityError: the bundle to go back to is not what was registered.
    """
    with model_lock(registry, name):
        now = champion(registry, name)
        if now is None:
            raise PromotionError(f"{name} has no champion", "promote one first")
        moves = history.read(registry, name, now.version)
        if to_version == now.version:
            return Move(name, now, now, f"version {now.version} of {name} is the champion already")
        if to_version is None and moves and moves[-1].verb == "rollback":
            sentence = (
                f"version {now.version} of {name} is the champion since the last rollback; "
                "`--to VERSION` goes back further"
            )
            return Move(name, now, now, sentence)
        target = to_version or history.before_promotion(moves, now.version)
        if target is None:
            raise PromotionError(
                f"version {now.version} of {name} had no champion before it",
                "`rollback --to VERSION` names one",
            )
        after = seen(model_version(registry, name, target))
        fetch(registry, name, target)
        _move(registry, name, "rollback", now, after)
    sentence = f"version {target} of {name} is champion again, after version {now.version}"
    return Move(name, now, after, sentence)


def _candidate(verdict: Mapping[str, Any]) -> Seen:
    try:
        candidate = verdict["candidate"]
        verdict["verdict"], verdict["champion"], candidate["name"]
        return Seen(int(candidate["version"]), str(candidate["digest"]))
    except (KeyError, TypeError, ValueError) as error:
        raise PromotionError(f"the verdict is incomplete: {error!r}", AGAIN) from error


def _check_still(name: str, judged: Mapping[str, Any] | None, now: Seen | None) -> None:
    """Refuse a verdict that compared with somebody else than today's champion."""
    if judged != (now.as_json() if now else None):
        then = f"version {judged['version']}" if judged else "no champion"
        raise PromotionError(
            f"the verdict is stale: it compared with {then}, and the champion of {name} is now "
            f"{f'version {now.version}' if now else 'none'}",
            AGAIN,
        )


def _move(registry: Registry, name: str, verb: history.Verb, now: Seen | None, after: Seen) -> None:
    """Write what will happen, then do it; the caller holds the lock."""
    before = now.version if now else None
    moves = history.read(registry, name, before)
    history.write(registry, name, [*moves, history.entry(verb, before, after.version)])
    registry.client.set_registered_model_alias(name, CHAMPION, str(after.version))
    challenger = with_alias(registry, name, CHALLENGER)
    if challenger is not None and int(challenger.version) == after.version:
        registry.client.delete_registered_model_alias(name, CHALLENGER)
