"""In: verdicts true, stale, edited and foreign. Out: the alias moved, or each refusal's reason."""

from __future__ import annotations

import importlib
import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import IntegrityError, PromotionError
from components.registry import (
    Registry,
    Seen,
    champion,
    open_ledger,
    promote,
    record_decision,
    rollback,
    withdrawn,
)
from tests.candidates import (
    REPORT,
    Verdict,
    add_model,
    add_version,
    judged,
    make_model,
    record,
    verdict_on,
)

# The package shows the function under the module's name.
promote_module = importlib.import_module("components.registry.promote")
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("models")
    return [make_model(root / str(i), f"promote-{i}") for i in range(4)]


@pytest.fixture
def name(registry: Registry) -> str:
    """A model that nobody has promoted yet."""
    name = f"promoted-{next(NUMBERS)}"
    add_model(registry, name)
    return name


@pytest.fixture
def versions(registry: Registry, name: str, models: list[Path]) -> list[Seen]:
    """Versions 1 to 4."""
    return [add_version(registry, name, model) for model in models]


def lift(registry: Registry, name: str, *versions: Seen) -> None:
    """Promote one after the other, each by a verdict against the one before."""
    for version in versions:
        assert promote(registry, judged(registry, name, version)).changed


def verbs(registry: Registry, name: str) -> list[str]:
    entries = open_ledger(registry).read(name)
    return [entry.verb for entry in entries if entry.verb != "decision"]


def test_promote_moves_the_alias_once(registry: Registry, name: str, versions: list[Seen]) -> None:
    verdict = judged(registry, name, versions[0])
    assert promote(registry, verdict).changed
    assert not promote(registry, verdict).changed
    assert champion(registry, name) == versions[0]
    assert verbs(registry, name) == ["intent", "done"]


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


def test_of_two_promoters_at_once_one_wins_and_the_other_is_stale(
    registry: Registry, name: str, versions: list[Seen]
) -> None:
    verdicts = [judged(registry, name, version) for version in versions[:2]]
    results: list[str] = []
    gate = threading.Barrier(2)

    def run(verdict: Verdict) -> None:
        gate.wait()
        try:
            results.append(promote(registry, verdict).sentence)
        except PromotionError as error:
            results.append(error.what)

    threads = [threading.Thread(target=run, args=(verdict,)) for verdict in verdicts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("stale" in result for result in results) == [False, True]
    assert verbs(registry, name) == ["intent", "done"]


def test_promoter_that_is_overtaken_after_its_last_look_is_stale(
    registry: Registry, name: str, versions: list[Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    worse, better = (judged(registry, name, version) for version in versions[:2])
    try_out = promote_module.smoke

    def overtaken(folder: Path, verdict: Verdict) -> None:
        try_out(folder, verdict)
        with monkeypatch.context() as patch:
            patch.setattr(promote_module, "smoke", try_out)
            promote(registry, better)

    monkeypatch.setattr(promote_module, "smoke", overtaken)
    with pytest.raises(PromotionError, match="stale"):
        promote(registry, worse)
    assert champion(registry, name) == versions[1]


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
    assert verbs(registry, name) == ["intent", "done"] * 4


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
    assert verbs(registry, name) == ["intent", "done", "by hand", "intent", "done"]
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


@pytest.mark.parametrize(("moved", "end"), [(False, "abandoned"), (True, "done")])
def test_move_that_a_kill_cut_short_is_settled_by_where_the_alias_is(
    registry: Registry,
    name: str,
    versions: list[Seen],
    monkeypatch: pytest.MonkeyPatch,
    moved: bool,
    end: str,
) -> None:
    lift(registry, name, versions[0])
    verdict = judged(registry, name, versions[1])
    killed: Callable[..., None] = type(registry.client).set_registered_model_alias

    def cut(*arguments: object) -> None:
        if moved:
            killed(*arguments)
        raise KeyboardInterrupt("killed")

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.client), "set_registered_model_alias", cut)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            promote(registry, verdict)
    assert champion(registry, name) == versions[1 if moved else 0]
    promote(registry, verdict)
    again = [] if moved else ["intent", "done"]
    assert verbs(registry, name) == ["intent", "done", "intent", end, *again]
    assert champion(registry, name) == versions[1]


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
