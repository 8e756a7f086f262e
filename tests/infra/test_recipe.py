"""In: a recipe's name. Out: params.yaml changed, or one paragraph and no change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra import recipe


@pytest.fixture
def folder(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(root / "params.yaml", tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text("project: {seed: 8}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_recipe_is_laid_over_and_its_changes_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe.main(["mine"]) == 0
    assert "project.seed" in capsys.readouterr().out
    assert "seed: 8" in (folder / "params.yaml").read_text()
    assert recipe.main(["mine"]) == 0
    assert "already says" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], [""], ["absent"]])
def test_a_missing_or_unknown_name_is_told_with_the_known_ones(
    folder: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "params.yaml").read_bytes()
    assert recipe.main(argv) == 1
    assert "mine" in capsys.readouterr().err
    assert (folder / "params.yaml").read_bytes() == before
