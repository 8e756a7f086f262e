"""In: a registry and a folder in order, then one thing put wrong. Out: that thing, by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.files import sha256_file, write_json
from components.registry import Registry, Seen, examine, open_registry, promote, record_decision
from components.registry.locks import ledger_address
from tests.candidates import add_model, add_version, make_model, verdict_on

NAME = "tickets"


@dataclass(frozen=True)
class Project:
    """A project whose first version is champion; all of it is in order."""

    registry: Registry
    root: Path
    model: Path
    champion: Seen


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        registry = open_registry(root / ".state", 0)
    add_model(registry, NAME)
    model = make_model(root / "model", "doctor")
    champion = add_version(registry, NAME, model)
    (root / "reports").mkdir()
    (root / "reports" / "gate.html").write_text("page")
    verdict = verdict_on(registry, NAME, champion)
    report = {"gate.html": sha256_file(root / "reports" / "gate.html")}
    write_json(root / "registry" / "verdict.json", verdict)
    record_decision(registry, verdict, report)
    promote(registry, verdict)
    shutil.copytree(model / "artifacts" / "bundle", root / "models" / "int8")
    (root / "dvc.lock").touch()
    return Project(registry, root, model, champion)


def told(project: Project) -> str:
    return "\n".join(finding.what for finding in examine(project.registry, NAME, project.root))


def edit_a_row(project: Project) -> Callable[[], None]:
    engine = sa.create_engine(ledger_address(project.registry), poolclass=sa.NullPool)

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    run("UPDATE touchstone_ledger SET who = who || '!' WHERE seq = 1")
    return lambda: run("UPDATE touchstone_ledger SET who = replace(who, '!', '') WHERE seq = 1")


def move_the_alias(project: Project) -> Callable[[], None]:
    client = project.registry.client
    client.delete_registered_model_alias(NAME, "champion")
    return lambda: client.set_registered_model_alias(NAME, "champion", "1")


def alter(path: Path) -> Callable[[], None]:
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    return lambda: path.write_bytes(before) and None


def kept(project: Project) -> Path:
    return project.registry.state / "bundles" / project.champion.digest


def test_project_in_order_has_no_findings(whole: Project) -> None:
    assert told(whole) == ""


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit_a_row, "row 1 (decision of tickets"),
        (move_the_alias, "points at nothing, and the ledger left it at version 1"),
        (lambda p: alter(kept(p) / "model.onnx"), "model.onnx was altered"),
        (lambda p: alter(p.model / "artifacts/bundle/bundle.json"), "the champion's bundle"),
        (lambda p: alter(p.root / "models/int8/tokenizer.json"), "models/int8/tokenizer.json"),
        (lambda p: alter(p.root / "reports/gate.html"), "reports/gate.html is not the page"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_else(
    whole: Project, spoil: Callable[[Project], Callable[[], None]], words: str
) -> None:
    mend = spoil(whole)
    found = examine(whole.registry, NAME, whole.root)
    mend()
    assert len(found) == 1
    assert words in found[0].what
    assert found[0].cure
    assert told(whole) == ""


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("dvc.lock", "dvc.lock is missing"),
        ("reports/gate.html", "reports/gate.html is missing"),
        ("registry/verdict.json", "verdict.json is missing"),
    ],
)
def test_file_that_is_missing_is_named(whole: Project, file: str, words: str) -> None:
    away = (whole.root / file).rename(whole.root / "away")
    found = told(whole)
    away.rename(whole.root / file)
    assert words in found


def test_verdict_that_was_edited_is_named(whole: Project) -> None:
    path = whole.root / "registry" / "verdict.json"
    before = path.read_text()
    path.write_text(before.replace("better", "much better"))
    found = told(whole)
    path.write_text(before)
    assert "the verdict was edited" in found


def test_move_that_never_ended_is_named(
    whole: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = add_version(whole.registry, NAME, make_model(tmp_path / "model", "doctor-2"))
    verdict = verdict_on(whole.registry, NAME, second)
    record_decision(whole.registry, verdict, {})
    with monkeypatch.context() as patch:
        patch.setattr(type(whole.registry.client), "set_registered_model_alias", _killed)
        with pytest.raises(KeyboardInterrupt, match="killed"):
            promote(whole.registry, verdict)
    assert "began to promote and never ended" in told(whole)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt("killed")
