"""In: params.yaml of every task. Out: edits that cannot do anything there are refused."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from components.augmentation.balance import MOST_COPIES
from components.errors import ParamsError
from components.params import Params, apply_recipe
from components.params.augmentation import AugmentationParams
from components.params.joints import ASKED, BALANCED, OWN_EDITS
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


MODEL: Final = {
    "source": "path:models/bert",
    "sha256": dict.fromkeys(("config.json", "model.safetensors", "tokenizer.json"), "ab" * 32),
}


@pytest.mark.parametrize("edit", ASKED)
def test_an_edit_that_asks_a_model_is_refused_without(trees: dict[str, Tree], edit: str) -> None:
    tree, model = copy.deepcopy(trees["classification"]), ASKED[edit]
    tree["augmentation"]["edits"][edit] = 0.5
    rule = rf"edits\.{edit}: must be 0 where augmentation\.{model} is null: it asks that, found 0.5"
    with pytest.raises(ParamsError, match=rule):
        check_params(tree, "params.yaml")


def test_a_model_is_named_as_an_encoder_is(trees: dict[str, Tree]) -> None:
    tree = copy.deepcopy(trees["classification"])
    tree["augmentation"]["edits"]["masked"] = 0.5
    tree["augmentation"]["masked_model"] = copy.deepcopy(MODEL)
    assert isinstance(check_params(tree, "params.yaml"), Params)
    del tree["augmentation"]["masked_model"]["sha256"]["tokenizer.json"]
    rule = r"masked_model\.sha256: the digest of tokenizer\.json is missing"
    with pytest.raises(ParamsError, match=rule):
        check_params(tree, "params.yaml")


def test_backtranslation_is_refused_where_the_label_points_into_the_text(tree: Tree) -> None:
    translator = {**MODEL, "prefix": ""}
    tree["augmentation"]["translators"] = {"there": translator, "back": translator, "beams": 1}
    tree["augmentation"]["edits"]["backtranslation"] = 0.5
    if tree["task"]["kind"] != "ner":
        assert isinstance(check_params(tree, "params.yaml"), Params)
        return
    rule = r"backtranslation: must be 0: labels of the task ner point into the text, found 0.5"
    with pytest.raises(ParamsError, match=rule):
        check_params(tree, "params.yaml")


def test_a_recipe_may_name_a_model_and_another_take_it_away(root: Path, tmp_path: Path) -> None:
    params = Path(shutil.copy(root / "params.yaml", tmp_path))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({"augmentation": {"masked_model": MODEL}}))
    assert apply_recipe(recipe, params) == ["augmentation.masked_model"]
    assert read_tree(params)["augmentation"]["masked_model"] == MODEL
    apply_recipe(root / "recipes" / "tickets.yaml", params)
    assert read_tree(params) == read_tree(root / "params.yaml")


def test_the_bound_of_copies_is_the_one_that_is_promised() -> None:
    told = AugmentationParams.model_fields["balance"].description or ""
    assert "at most four of a row" in " ".join(told.split())
    assert MOST_COPIES == 4


def test_every_edit_of_a_task_is_one_that_others_are_told_of() -> None:
    from components.tasks import options_type

    tasks = [load_task(options_type(kind).example()) for kind in task_kinds()]
    assert {name for task in tasks for name in task.edits(())} == set(OWN_EDITS)
