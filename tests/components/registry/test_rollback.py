"""In: champions promoted, moved by hand, deleted. Out: the one before, or why there is none."""

from __future__ import annotations

import pytest

from components.errors import PromotionError
from components.registry import Registry, Seen, champion, rollback
from tests.candidates import lift, moves


def test_rollback_gives_back_the_former_champion_and_repeating_it_changes_nothing(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, *versions[:3])
    assert rollback(registry, name, None).after == versions[1]
    again = rollback(registry, name, None)
    assert not again.changed
    assert "--to" in again.sentence
    assert champion(registry, name) == versions[1]


def test_rollback_to_a_version_goes_there_and_repeating_it_changes_nothing(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, *versions[:3])
    assert rollback(registry, name, 1).changed
    assert not rollback(registry, name, 1).changed
    assert moves(registry, name) == ["intent", "done"] * 4


def test_rollback_goes_only_where_a_verdict_once_led(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    with pytest.raises(PromotionError, match="has no champion"):
        rollback(registry, name, None)
    lift(registry, name, versions[0])
    with pytest.raises(PromotionError, match="had no champion before it"):
        rollback(registry, name, None)
    for version in (2, 9):
        with pytest.raises(PromotionError, match=f"version {version} .* never was its champion"):
            rollback(registry, name, version)


def test_alias_moved_by_hand_is_known_and_never_gone_back_to(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, versions[0])
    registry.client.set_registered_model_alias(name, "champion", "3")
    lift(registry, name, versions[1])
    assert moves(registry, name) == ["intent", "done", "by hand", "intent", "done"]
    with pytest.raises(PromotionError, match="those that were: 1, 2"):
        rollback(registry, name, 3)
    assert rollback(registry, name, None).after == versions[0]


def test_rollback_brings_back_a_champion_whose_alias_was_deleted(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, *versions[:2])
    registry.client.delete_registered_model_alias(name, "champion")
    assert rollback(registry, name, None).after == versions[1]


def test_rollback_to_a_version_whose_digest_was_changed_is_refused(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, *versions[:2])
    registry.client.set_model_version_tag(name, "1", "touchstone.digest", versions[3].digest)
    with pytest.raises(PromotionError, match=r"version 1 .* when it was champion"):
        rollback(registry, name, None)
