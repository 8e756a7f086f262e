from __future__ import annotations

from pathlib import Path

import pytest

import components.tasks
from components.errors import ParamsError
from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import pad
from components.tasks.classification import Options


def test_kinds_are_the_files_of_the_folder() -> None:
    folder = Path(components.tasks.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base", "whole"}
    assert set(task_kinds()) == files


def test_new_file_is_a_new_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = task_kinds()
    (tmp_path / "poetry.py").write_text("")
    monkeypatch.setattr(components.tasks, "__path__", [*components.tasks.__path__, str(tmp_path)])
    assert task_kinds() == sorted([*before, "poetry"])


@pytest.mark.parametrize("kind", ["base", "whole", "poetry", "", "os.path"])
def test_unknown_kind_is_told_with_those_there_are(kind: str) -> None:
    with pytest.raises(ParamsError, match=r"task.kind: unknown kind") as error:
        options_type(kind)
    assert "classification" in error.value.cure


def test_options_load_their_task() -> None:
    options = Options(kind="classification", labels=("a", "b"), out_of_scope=None)
    assert options_type("classification") is Options
    assert load_task(options).options is options


def test_padding_fills_on_the_right() -> None:
    assert pad([[1, 2], [], [3]], 9, 3).tolist() == [[1, 2, 9], [9, 9, 9], [3, 9, 9]]
