"""In: params.yaml of every task. Out: edits that cannot do anything there are refused."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from components.errors import ParamsError
from components.params import Params, apply_recipe
from components.params.joints import OWN_EDITS
from components.params.load import check_params, read_tree
from components.tasks import load_task, task_kinds

Tree = dict[str, dict[str, dict[str, float]]]


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


def test_every_edit_of_a_task_is_one_that_others_are_told_of() -> None:
    from components.tasks import options_type

    tasks = [load_task(options_type(kind).example()) for kind in task_kinds()]
    assert {name for task in tasks for name in task.edits(())} == set(OWN_EDITS)
