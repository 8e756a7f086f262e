"""In: checkpoints and studies, whole and damaged. Out: the damaged ones, each with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.files import atomic_folder, write_manifest
from components.saved import damaged

LINES = b'{"op_code": 0}\n{"op_code": 4}\n'


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a checkpoint of a training and of a trial, and a study."""
    for name in ("train-key", "study/3"):
        with atomic_folder(
            tmp_path / "checkpoints" / name / "epoch-00001-step-000000002"
        ) as folder:
            (folder / "model.safetensors").write_bytes(b"weights")
            write_manifest(folder)
    study = tmp_path / "studies" / "tickets-0123"
    study.mkdir(parents=True)
    (study / "journal.log").write_bytes(LINES)
    (study / "token").write_text("3 somebody")
    return tmp_path


def problems(state: Path) -> list[str]:
    return [f"{what} | {cure}" for what, cure in damaged(state)]


def test_what_can_be_gone_on_from_is_well(state: Path, tmp_path: Path) -> None:
    assert problems(state) == []
    assert problems(tmp_path / "nothing here") == []


def test_what_a_kill_leaves_is_well(state: Path) -> None:
    partial = state / "checkpoints/train-key/.epoch-00002-step-000000004.partial"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"wei")
    with (state / "studies/tickets-0123/journal.log").open("ab") as file:
        file.write(b'{"op_co')
    assert problems(state) == []


@pytest.mark.parametrize("name", ["train-key", "study/3"])
@pytest.mark.parametrize("damage", ["altered", "removed", "no manifest", "no JSON"])
def test_a_damaged_checkpoint_is_named_with_its_cure(state: Path, name: str, damage: str) -> None:
    folder = state / "checkpoints" / name / "epoch-00001-step-000000002"
    weights, manifest = folder / "model.safetensors", folder / "manifest.json"
    {
        "altered": lambda: weights.write_bytes(b"weightz"),
        "removed": weights.unlink,
        "no manifest": manifest.unlink,
        "no JSON": lambda: manifest.write_text("{"),
    }[damage]()
    (problem,) = problems(state)
    assert f"the checkpoint {folder} cannot be gone on from" in problem
    assert f"delete {folder}" in problem


def test_a_study_that_cannot_be_read_is_named_with_the_line(state: Path) -> None:
    journal = state / "studies/tickets-0123/journal.log"
    journal.write_bytes(LINES.replace(b"}\n{", b"}\nx{"))
    (problem,) = problems(state)
    assert f"{journal}, line 2: is no JSON" in problem
    assert f"delete {journal.parent}" in problem


def test_a_token_that_is_no_number_is_named(state: Path) -> None:
    (state / "studies/tickets-0123/token").write_text("me")
    (problem,) = problems(state)
    assert "must begin with a number" in problem
