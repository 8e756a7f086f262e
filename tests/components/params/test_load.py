from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.errors import ParamsError
from components.params import Params, ProjectParams, TrainingParams, load_params, overlay
from components.params.base import Section
from components.params.load import read_tree
from components.params.sections import Choice, Range

Tree = dict[str, Any]


def test_the_file_that_comes_with_the_project_is_right(root: Path) -> None:
    params = load_params(root / "params.yaml")
    assert isinstance(params, Params)
    assert params.task.kind == "classification"
    assert isinstance(params.search.space["learning_rate"], Range)
    assert isinstance(params.search.space["label_smoothing"], Choice)


def test_sections_stand_in_the_file_in_the_order_of_the_pipeline(root: Path) -> None:
    assert list(read_tree(root / "params.yaml")) == list(Params.model_fields)


def sections(model: type[Section] = Params) -> list[type[Section]]:
    found = [model]
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += sections(field.annotation)
    return found


def test_nothing_has_a_default_in_python() -> None:
    assert len(sections()) > 14
    for section in [*sections(), Range, Choice]:
        assert [n for n, field in section.model_fields.items() if not field.is_required()] == []


def test_sections_are_frozen(root: Path) -> None:
    params = load_params(root / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        params.project.seed = 3


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"params.yaml is missing") as error:
        load_params(tmp_path / "params.yaml")
    assert "git checkout" in error.value.cure


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params(tmp_path)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"training:\n  epochs: 1\n  epochs: 2\n", r'found duplicate key "epochs".* at line 3'),
        (b"training: [1, 2\n", "is not valid YAML: .* at line 2, column 1"),
        (b"a: b: c\n", "is not valid YAML: .* at line 1"),
        (b"\ttraining: 1\n", "is not valid YAML"),
        (b"project:\n  name: caf\xe9\n", "is not UTF-8"),
        (b"", "expected sections, found an empty file"),
        (b"# only a comment\n", "expected sections, found an empty file"),
        (b"- a\n- b\n", "expected sections, found list"),
        (b"text\n", "expected sections, found str"),
        (b"a: {b: {0: x, '1': y}}\n", r"keys must be text\n  a.b.0: is read as no text, .* number"),
        (b"a: {true: x, 007: y}\n", r"\n  a.True: .* true or false\n  a.7: .* a number"),
        (b"a: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
    ],
)
def test_file_that_holds_no_sections_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError, match=rf"params.yaml:? .*{rule}"):
        load_params(path)


def test_numbers_may_be_written_without_a_point(root: Path, tmp_path: Path) -> None:
    text = (root / "params.yaml").read_text(encoding="utf-8")
    assert "learning_rate: 3.0e-4" in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 3.0e-4", "learning_rate: 3e-4"), encoding="utf-8")
    assert load_params(path).training.learning_rate == 3e-4


def test_other_names_than_params_are_told_too(params_tree: Tree, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    params_tree["project"]["seed"] = -1
    with path.open("wb") as file:
        YAML().dump(params_tree, file)
    with pytest.raises(ParamsError, match=r"mine.yaml: 1 mistake\n  project.seed") as error:
        load_params(path)
    assert "mine.yaml" in error.value.cure


@pytest.fixture
def training(root: Path) -> TrainingParams:
    return load_params(root / "params.yaml").training


def test_overlay_changes_what_it_names(training: TrainingParams) -> None:
    laid = overlay(training, {"learning_rate": 1e-3}, "best.yaml")
    assert laid.learning_rate == 1e-3
    assert laid.model_dump() == training.model_dump() | {"learning_rate": 1e-3}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"learning_rat": 1e-3}, "training.learning_rat: unknown field.*training.learning_rate"),
        ({"learning_rate": 2}, "training.learning_rate: input should be less than 1, found 2"),
        ({"dropout": float("nan")}, "training.dropout: input should be a finite number"),
        ({"batch_size": 33, "accumulation": 2}, "training: accumulation must divide batch_size"),
    ],
)
def test_overlay_is_checked_as_a_whole(training: TrainingParams, values: Tree, line: str) -> None:
    with pytest.raises(ParamsError, match=rf"^best.yaml: 1 mistake\n  {line}"):
        overlay(training, values, "best.yaml")


def test_overlay_works_for_any_section() -> None:
    project = ProjectParams(name="a", seed=1)
    assert overlay(project, {"seed": 2}, "command line").seed == 2
    with pytest.raises(ParamsError, match=r"command line: 1 mistake\n  project.seed: input"):
        overlay(project, {"seed": -2}, "command line")
