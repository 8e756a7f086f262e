"""In: a ledger. Out: what a person reads of it, at once, without a flow run or a server."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from components.registry import champion, open_registry, promote, rollback
from flows.__main__ import main
from flows.stage import LOOKS, help_of
from tests.candidates import add_model, add_version, judged, make_model

NAME = "tickets"
# What a verb cannot do without.
NEEDS = {"lineage": ["1"], "pretrain": ["no_texts.txt"], "topics": ["texts.csv"]}


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions were promoted, a third was held, and the first was given back."""
    folder = tmp_path_factory.mktemp("looked")
    shutil.copy(root / "params.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        registry = open_registry(folder / ".state", 0)
    add_model(registry, NAME)
    versions = [
        add_version(registry, NAME, make_model(folder / str(n), f"look-{n}")) for n in range(3)
    ]
    for version in versions[:2]:
        promote(registry, judged(registry, NAME, version))
    judged(registry, NAME, versions[2], "hold", sentence="Worse by 3 points.")
    rollback(registry, NAME, None)
    assert champion(registry, NAME) == versions[0]
    return folder


@pytest.fixture(autouse=True)
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_history_tells_every_event_the_newest_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0].split()[:4] == ["when", "(UTC)", "who", "what"]
    told = ["verdict: promote", "promoted", "verdict: promote", "promoted", "verdict: hold"]
    assert len(lines) == 1 + 6 + 1
    for line, word in zip(lines[1:], [*told, "rolled back"], strict=False):
        assert word in line
    assert lines[5].endswith("Worse by 3 points.")
    assert lines[-1].split()[0] == "history"


def test_history_shows_nothing_of_an_intent_that_was_settled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["history"])
    assert "promotion " not in capsys.readouterr().out


def test_lineage_takes_its_version_as_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "1"]) == 0
    text = capsys.readouterr().out
    assert "tickets version 1" in text
    assert "the champion" in text
    assert main(["lineage", "nothing"]) == 1
    assert "python -m flows history" in capsys.readouterr().err


def test_doctor_ends_with_1_and_names_each_thing_with_its_cure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 1
    text = capsys.readouterr().err
    assert "2 things are not as they must be" in text
    assert "dvc.lock is missing" in text
    assert text.count("cure:") == 2
    assert "Traceback" not in text


@pytest.mark.parametrize("verb", sorted(LOOKS))
def test_what_only_looks_boots_no_server_and_has_help(
    verb: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    assert f"python -m flows {verb}" in capsys.readouterr().out
    assert ("ingestion" if verb == "probe" else "project") in help_of(verb)
    main([verb, *NEEDS.get(verb, [])])
    assert not list((project / ".state" / "prefect").glob("server*"))
    assert f"flows.{verb}" in sys.modules
