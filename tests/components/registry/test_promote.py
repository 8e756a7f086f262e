"""In: verdicts true, stale and foreign. Out: the alias moved, or each refusal with its reason."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import IntegrityError, PromotionError
from components.params import RegistryParams
from components.registry import (
    Registry,
    Seen,
    Submission,
    champion,
    history,
    promote,
    register,
    rollback,
)

Submit = Callable[[str], Submission]
Verdict = dict[str, Any]
NAME = "promoted"


@pytest.fixture(scope="module")
def receipts(
    registry: Registry,
    owner: RegistryParams,
    submit: Submit,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Verdict]:
    """Receipts of versions 1 to 3 of one model, which all tests share."""
    out = tmp_path_factory.mktemp("receipts")
    return [register(registry, NAME, owner, submit(f"promote-{i}"), out) for i in (1, 2, 3)]


@pytest.fixture
def verdicts(registry: Registry, receipts: list[Verdict]) -> list[Verdict]:
    """Verdicts to promote each version against no champion, and a model that has none."""
    registry.client.delete_registered_model_alias(NAME, "champion")
    registry.client.set_registered_model_alias(NAME, "challenger", "3")
    if history.TAG in registry.client.get_registered_model(NAME).tags:
        registry.client.delete_registered_model_tag(NAME, history.TAG)
    return [
        {"verdict": "promote", "sentence": "better", "champion": None, "candidate": dict(receipt)}
        for receipt in receipts
    ]


def against(verdict: Verdict, registry: Registry) -> Verdict:
    """Return the verdict as if it had compared with today's champion."""
    now = champion(registry, NAME)
    return {**verdict, "champion": now.as_json() if now else None}


def test_promote_moves_the_alias_once(registry: Registry, verdicts: list[Verdict]) -> None:
    first = promote(registry, verdicts[0])
    again = promote(registry, verdicts[0])
    assert first.changed
    assert not again.changed
    assert champion(registry, NAME) == Seen(1, verdicts[0]["candidate"]["digest"])
    assert [m.verb for m in history.read(registry, NAME, 1)] == ["promote"]


def test_promoted_version_is_challenger_no_more(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    promote(registry, verdicts[2])
    assert registry.client.get_registered_model(NAME).aliases == {"champion": 3}


@pytest.mark.parametrize("word", ["hold", "undecidable", "Promote", "", None])
def test_only_the_word_promote_promotes(
    registry: Registry, verdicts: list[Verdict], word: str | None
) -> None:
    with pytest.raises(PromotionError, match="the verdict on version 1"):
        promote(registry, {**verdicts[0], "verdict": word})
    assert champion(registry, NAME) is None


def test_verdict_on_another_digest_is_refused(registry: Registry, verdicts: list[Verdict]) -> None:
    candidate = {**verdicts[0]["candidate"], "digest": "0" * 64}
    with pytest.raises(PromotionError, match="the verdict is about digest 0000"):
        promote(registry, {**verdicts[0], "candidate": candidate})
    assert champion(registry, NAME) is None


def test_verdict_on_a_version_that_is_not_there_is_refused(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    candidate = {**verdicts[0]["candidate"], "version": 99}
    with pytest.raises(PromotionError, match="has no version 99"):
        promote(registry, {**verdicts[0], "candidate": candidate})


@pytest.mark.parametrize("missing", ["verdict", "candidate", "champion"])
def test_incomplete_verdict_is_refused(
    registry: Registry, verdicts: list[Verdict], missing: str
) -> None:
    rest = {key: value for key, value in verdicts[0].items() if key != missing}
    with pytest.raises(PromotionError, match="the verdict is incomplete"):
        promote(registry, rest)


def test_verdict_against_a_former_champion_is_stale(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    promote(registry, verdicts[0])
    stale = dict(verdicts[2])
    with pytest.raises(PromotionError, match="it compared with no champion") as caught:
        promote(registry, stale)
    assert "flows release" in caught.value.cure
    promote(registry, against(verdicts[1], registry))
    stale["champion"] = {"version": 1, "digest": verdicts[0]["candidate"]["digest"]}
    with pytest.raises(PromotionError, match=r"compared with version 1, .* now version 2"):
        promote(registry, stale)


def test_bytes_altered_in_the_registry_are_not_promoted(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    shutil.rmtree(registry.state / "bundles", ignore_errors=True)
    path = registry.client.get_model_version_download_uri(NAME, "1").removeprefix("file://")
    tokenizer = Path(path) / "artifacts" / "bundle" / "tokenizer.json"
    before = tokenizer.read_bytes()
    tokenizer.write_text("{}")
    with pytest.raises(IntegrityError, match="not those of digest"):
        promote(registry, verdicts[0])
    tokenizer.write_bytes(before)
    assert champion(registry, NAME) is None


def test_of_two_promoters_at_once_one_wins_and_the_other_is_stale(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    results: list[str] = []
    gate = threading.Barrier(2)

    def run(verdict: Verdict) -> None:
        gate.wait()
        try:
            results.append(promote(registry, verdict).sentence)
        except PromotionError as error:
            results.append(error.what)

    threads = [threading.Thread(target=run, args=(verdict,)) for verdict in verdicts[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("stale" in result for result in results) == [False, True]


def test_rollback_gives_back_the_former_champion_and_repeating_it_changes_nothing(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    for verdict in verdicts:
        promote(registry, against(verdict, registry))
    assert rollback(registry, NAME, None).after.version == 2
    again = rollback(registry, NAME, None)
    assert not again.changed
    assert "--to" in again.sentence
    assert champion(registry, NAME) == Seen(2, verdicts[1]["candidate"]["digest"])


def test_rollback_to_a_version_goes_there_and_repeating_it_changes_nothing(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    for verdict in verdicts:
        promote(registry, against(verdict, registry))
    assert rollback(registry, NAME, 1).changed
    assert not rollback(registry, NAME, 1).changed
    verbs = [move.verb for move in history.read(registry, NAME, 1)]
    assert verbs == ["promote", "promote", "promote", "rollback"]


def test_rollback_without_a_champion_or_a_former_one_says_so(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    with pytest.raises(PromotionError, match="has no champion"):
        rollback(registry, NAME, None)
    promote(registry, verdicts[0])
    with pytest.raises(PromotionError, match="had no champion before it"):
        rollback(registry, NAME, None)
    with pytest.raises(PromotionError, match="has no version 9"):
        rollback(registry, NAME, 9)


def test_move_that_a_kill_cut_short_is_forgotten(
    registry: Registry, verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(registry, verdicts[0])
    with monkeypatch.context() as patch:
        patch.setattr(type(registry.client), "set_registered_model_alias", _killed)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            promote(registry, against(verdicts[1], registry))
    assert champion(registry, NAME) == Seen(1, verdicts[0]["candidate"]["digest"])
    promote(registry, against(verdicts[1], registry))
    moves = history.read(registry, NAME, 2)
    assert [(move.before, move.after) for move in moves] == [(None, 1), (1, 2)]


def test_alias_moved_by_hand_is_known_to_history(
    registry: Registry, verdicts: list[Verdict]
) -> None:
    promote(registry, verdicts[0])
    registry.client.set_registered_model_alias(NAME, "champion", "3")
    assert rollback(registry, NAME, None).after.version == 1
    verbs = [move.verb for move in history.read(registry, NAME, 1)]
    assert verbs == ["promote", "by hand", "rollback"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt("killed")
