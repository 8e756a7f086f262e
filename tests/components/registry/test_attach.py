"""In: a registered version and a verdict. Out: report, tags and card beside it, once each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import IntegrityError, PromotionError
from components.files import sha256_file
from components.inference import load_bundle
from components.params import RegistryParams
from components.profile import profile
from components.registry import Registry, Submission, attach, fetch_profile, register
from components.registry.card import DESCRIPTION
from components.registry.commit import commit
from tests.components.gate import samples_against

Submit = Callable[[str], Submission]


def judged(
    registry: Registry, owner: RegistryParams, submission: Submission, name: str, out: Path
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Path]]:
    """Register, and return receipt, a verdict on it and its files."""
    receipt = register(registry, name, owner, submission, out)
    verdict = samples_against.promote()
    verdict["candidate"] |= {"name": name, "version": 1, "digest": receipt["digest"]}
    files = {}
    for title in ("gate.html", "gate.md", "verdict.json"):
        files[title] = out / f"a-{title}"
        files[title].write_text(title)
    return receipt, verdict, files


def test_attached_three_times_is_there_once_with_tags_and_card(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    receipt, verdict, files = judged(registry, owner, submit("att"), "att-once", tmp_path)
    states = []
    for _ in range(3):
        attach(registry, "att-once", 1, verdict, files)
        entry = registry.client.get_model_version("att-once", "1")
        listed = registry.client.list_artifacts(receipt["run_id"], "gate/1")
        states.append((entry.description, entry.tags, [(f.path, f.file_size) for f in listed]))
    assert states[0] == states[1] == states[2]
    description, tags, listed = states[0]
    names = {path.rpartition("/")[2] for path, _ in listed}
    assert names == {"gate.html", "gate.md", "verdict.json", "card.md"}
    assert tags["touchstone.verdict"] == "promote"
    assert tags["touchstone.verdict_sentence"] == verdict["sentence"]
    assert tags["touchstone.report"] == sha256_file(files["gate.html"])
    assert verdict["sentence"][:30] in description
    assert f"runs/{receipt['run_id']}/artifacts/gate/1/gate.html" in description
    assert len(description) <= DESCRIPTION


def test_registering_again_keeps_the_card_that_the_gate_made(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    _, verdict, files = judged(registry, owner, submit("kept"), "att-kept", tmp_path)
    attach(registry, "att-kept", 1, verdict, files)
    before = registry.client.get_model_version("att-kept", "1").description
    register(registry, "att-kept", owner, submit("kept"), tmp_path)
    assert registry.client.get_model_version("att-kept", "1").description == before


def test_verdict_on_other_bytes_is_not_attached(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    _, verdict, files = judged(registry, owner, submit("other"), "att-other", tmp_path)
    verdict["candidate"]["digest"] = "0" * 64
    with pytest.raises(IntegrityError, match="the verdict is about digest 000"):
        attach(registry, "att-other", 1, verdict, files)
    assert "touchstone.verdict" not in registry.client.get_model_version("att-other", "1").tags
    with pytest.raises(PromotionError, match="has no version 9"):
        attach(registry, "att-other", 9, verdict, files)


def test_profile_of_the_data_is_kept_beside_the_bundle_and_comes_back(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    given = submit("profile")
    register(registry, "att-profile", owner, given, tmp_path)
    found = fetch_profile(registry, "att-profile", 1)
    assert found == json.loads(json.dumps(profile(load_bundle(given.bundle).task, given.data)))
    assert "please" not in json.dumps(found)


def test_version_without_a_profile_has_none(registry: Registry, tmp_path: Path) -> None:
    registry.client.create_registered_model("att-none")
    registry.client.create_model_version("att-none", source=str(tmp_path))
    assert fetch_profile(registry, "att-none", 1) is None
    with pytest.raises(PromotionError, match="has no version 2"):
        fetch_profile(registry, "att-none", 2)


def test_origin_of_a_version_is_found_by_its_tags(
    registry: Registry, owner: RegistryParams, submit: Submit, tmp_path: Path
) -> None:
    given = submit("origin")
    origin = {"study": "s-1", "trial": "3", "lineage": "not this"}
    whole = Submission(given.bundle, given.evaluation, given.parity, given.data, origin)
    register(registry, "att-origin", owner, whole, tmp_path)
    register(registry, "att-origin", owner, whole, tmp_path)
    rule = "name = 'att-origin' and tags.`touchstone.study` = 's-1'"
    entries = registry.client.search_model_versions(rule)
    assert len(entries) == 1
    expected = {"trial": "3", "lineage": "origin", "data": "d" * 64, "params": "p" * 64}
    for name, value in expected.items():
        assert entries[0].tags[f"touchstone.{name}"] == value


def test_commit_is_dirty_when_what_decides_was_edited_and_not_when_a_receipt_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() is None
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "a.py").write_text("1")
    (tmp_path / "receipt.json").write_text("1")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *command], check=True)
    clean = commit()
    assert clean is not None
    assert len(clean) == 40
    (tmp_path / "receipt.json").write_text("2")
    assert commit() == clean
    (tmp_path / "components" / "b.py").write_text("2")
    assert commit() == f"{clean}-dirty"
