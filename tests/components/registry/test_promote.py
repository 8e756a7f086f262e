"""In: verdicts true, stale, edited and foreign. Out: the alias moved, or each refusal's reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.errors import IntegrityError, PromotionError
from components.registry import (
    Registry,
    Seen,
    champion,
    promote,
    record_decision,
    rollback,
    withdrawn,
)
from tests.candidates import (
    REPORT,
    Verdict,
    add_version,
    judged,
    lift,
    moves,
    record,
    verdict_on,
)


def test_promote_moves_the_alias_once(registry: Registry, name: str, versions: list[Seen]) -> None:
    verdict = judged(registry, name, versions[0])
    assert promote(registry, verdict).changed
    assert not promote(registry, verdict).changed
    assert champion(registry, name) == versions[0]
    assert moves(registry, name) == ["intent", "done"]


def test_promoted_version_is_challenger_no_more(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    registry.client.set_registered_model_alias(name, "challenger", "3")
    lift(registry, name, versions[2])
    assert registry.client.get_registered_model(name).aliases == {"champion": 3}


@pytest.mark.parametrize("word", ["hold", "undecidable", "Promote", ""])
def test_only_the_word_promote_promotes(
    registry: Registry, name: str, versions: list[Seen], word: str
) -> None:
    verdict = judged(registry, name, versions[0], word)
    with pytest.raises(PromotionError, match="the verdict on version 1"):
        promote(registry, verdict)
    assert champion(registry, name) is None


def test_verdict_that_the_ledger_does_not_hold_is_refused(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    with pytest.raises(PromotionError, match="the ledger knows of no verdict on version 1"):
        promote(registry, verdict_on(registry, name, versions[0]))
    assert champion(registry, name) is None


@pytest.mark.parametrize(
    "edit",
    [
        {"verdict": "promote"},
        {"sentence": "much better"},
        {"rows": 1e9},
        {"scores": float("nan")},
    ],
    ids=["word", "sentence", "figure", "NaN"],
)
def test_edited_verdict_is_refused(
    registry: Registry, name: str, versions: list[Seen], edit: Verdict
) -> None:
    verdict = judged(registry, name, versions[0], "hold")
    with pytest.raises(PromotionError, match="the verdict was edited"):
        promote(registry, {**verdict, **edit})
    assert champion(registry, name) is None


def test_verdict_edited_to_name_another_version_is_refused(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    verdict = judged(registry, name, versions[0])
    with pytest.raises(PromotionError, match="was edited"):
        promote(registry, {**verdict, "candidate": {**verdict["candidate"], "version": 2}})


@pytest.mark.parametrize("missing", ["verdict", "candidate", "champion", "evidence"])
def test_incomplete_verdict_is_refused(
    registry: Registry, name: str, versions: list[Seen], missing: str
) -> None:
    verdict = judged(registry, name, versions[0])
    with pytest.raises(PromotionError, match="the verdict is incomplete"):
        promote(registry, {key: value for key, value in verdict.items() if key != missing})


def test_verdict_on_other_bytes_than_the_versions_is_refused(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    verdict = judged(registry, name, Seen(1, "0" * 64))
    with pytest.raises(PromotionError, match="the verdict is about digest 0000"):
        promote(registry, verdict)
    with pytest.raises(PromotionError, match="has no version 99"):
        promote(registry, judged(registry, name, Seen(99, "1" * 64)))


@pytest.mark.parametrize(("until", "holds"), [("2000-01-31", False), ("2999-01-31", True)])
def test_waiver_counts_until_its_day(
    registry: Registry, name: str, versions: list[Seen], until: str, holds: bool
) -> None:
    waiver = {"reason": "r", "by": "b", "until": until, "expired": False}
    rules = [{"name": "size_ratio", "state": "waived", "waiver": waiver}]
    verdict = judged(registry, name, versions[0], rules=rules)
    if holds:
        assert promote(registry, verdict).changed
        return
    with pytest.raises(PromotionError, match="waivers that have ended: size_ratio"):
        promote(registry, verdict)


def test_verdict_against_a_former_champion_is_stale(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    stale = judged(registry, name, versions[2])
    lift(registry, name, versions[0])
    with pytest.raises(PromotionError, match="it compared with no champion") as caught:
        promote(registry, stale)
    assert "flows release" in caught.value.cure
    stale = judged(registry, name, versions[2])
    lift(registry, name, versions[1])
    with pytest.raises(PromotionError, match=r"compared with version 1, .* now version 2"):
        promote(registry, stale)


def test_bytes_altered_in_the_registry_are_not_promoted(
    registry: Registry, name: str, models: list[Path], tmp_path: Path
) -> None:
    model = Path(shutil.copytree(models[0], tmp_path / "model"))
    version = add_version(registry, name, model)
    shutil.rmtree(registry.state / "bundles" / version.digest, ignore_errors=True)
    (model / "artifacts" / "bundle" / "tokenizer.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not those of digest"):
        promote(registry, judged(registry, name, version))
    assert champion(registry, name) is None


def test_verdict_promotes_once_and_a_rollback_stands(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    lift(registry, name, versions[0])
    verdict = judged(registry, name, versions[1])
    promote(registry, verdict)
    assert withdrawn(registry, verdict) is None
    rollback(registry, name, None)
    assert withdrawn(registry, verdict) is not None
    with pytest.raises(PromotionError, match=r"version 2 .* was rolled back .* promotes once"):
        promote(registry, verdict)
    assert champion(registry, name) == versions[0]
    assert rollback(registry, name, 2).changed, "a person may"


def test_same_evidence_is_judged_once(registry: Registry, name: str, versions: list[Seen]) -> None:
    held = judged(registry, name, versions[0], "hold")
    again = record_decision(registry, {**held, "verdict": "promote"}, REPORT)
    assert again.payload["verdict"] == held
    with pytest.raises(PromotionError, match="edited"):
        promote(registry, {**held, "verdict": "promote"})


def test_ledger_that_was_replaced_lets_nothing_move(
    registry: Registry,
    name: str,
    versions: list[Seen],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verdict = verdict_on(registry, name, versions[0])
    record(registry, verdict)
    monkeypatch.setenv("TOUCHSTONE_LEDGER", f"sqlite:///{tmp_path / 'mine.db'}")
    with pytest.raises(PromotionError, match="the ledger knows of no verdict"):
        promote(registry, verdict)
    with pytest.raises(IntegrityError, match="the ledger has none"):
        record_decision(registry, verdict, REPORT)
