"""In: params.yaml of every task. Out: edits that cannot do anything there are refused."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.augmentation.balance import MOST_COPIES
from components.errors import ParamsError
from components.params import Params, apply_recipe
from components.params.augmentation import AugmentationParams
from components.params.joints import BALANCED, OWN_EDITS
from components.params.load import check_params, read_tree
from components.tasks import load_task, task_kinds

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def trees(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tree]:
    """The params of one recipe of each kind."""
    folder, found = tmp_path_factory.mktemp("params"), dict[str, Tree]()
    for recipe in sorted((root / "recipes").glob("*.yaml")):
        kind = read_tree(recipe).get("task", {}).get("kind")
        if kind is not None and kind not in found:
            path = Path(shutil.copy(root / "params.yaml", folder / recipe.name))
            apply_recipe(recipe, path)
            found[kind] = read_tree(path)
    return found


@pytest.fixture(params=task_kinds())
def tree(request: pytest.FixtureRequest, trees: dict[str, Tree]) -> Tree:
    return copy.deepcopy(trees[request.param])


@pytest.mark.parametrize("edit", OWN_EDITS)
def test_an_edit_is_refused_by_the_tasks_that_have_nothing_for_it(tree: Tree, edit: str) -> None:
    params = check_params(tree, "params.yaml")
    tree["augmentation"]["edits"][edit] = 0.25
    kind = params.task.kind
    if edit in load_task(params.task).edits(()):
        assert isinstance(check_params(tree, "params.yaml"), Params)
        return
    with pytest.raises(ParamsError, match=rf"augmentation\.edits\.{edit}: must be 0") as error:
        check_params(tree, "params.yaml")
    sentence = f"rows of the task {kind} have no {OWN_EDITS[edit]}, found 0.25"
    assert sentence in error.value.what


def test_balance_is_refused_where_answers_are_no_labels_to_count(tree: Tree) -> None:
    params = check_params(tree, "params.yaml")
    tree["augmentation"]["balance"] = tree["augmentation"]["edits"]["typo"] = 0.5
    if params.task.kind in ("classification", "multilabel"):
        assert isinstance(check_params(tree, "params.yaml"), Params)
    elif load_task(params.task).loss not in BALANCED:
        sentence = f"answers of the task {params.task.kind} are no labels to count, found 0.5"
        with pytest.raises(ParamsError, match=r"augmentation\.balance: must be 0") as error:
            check_params(tree, "params.yaml")
        assert sentence in error.value.what


def test_balance_is_refused_where_no_edit_is_on(trees: dict[str, Tree]) -> None:
    tree = copy.deepcopy(trees["classification"])
    tree["augmentation"]["edits"] = dict.fromkeys(tree["augmentation"]["edits"], 0.0)
    assert isinstance(check_params(tree, "params.yaml"), Params)
    tree["augmentation"]["balance"] = 0.5
    with pytest.raises(ParamsError, match=r"balance: must be 0 where no edit is on"):
        check_params(tree, "params.yaml")


def test_the_bound_of_copies_is_the_one_that_is_promised() -> None:
    told = AugmentationParams.model_fields["balance"].description or ""
    assert "at most four of a row" in " ".join(told.split())
    assert MOST_COPIES == 4


def test_every_edit_of_a_task_is_one_that_others_are_told_of() -> None:
    from components.tasks import options_type

    tasks = [load_task(options_type(kind).example()) for kind in task_kinds()]
    assert {name for task in tasks for name in task.edits(())} == set(OWN_EDITS)
