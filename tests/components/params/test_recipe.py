from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.errors import ParamsError
from components.params import apply_recipe, load_params
from components.params.load import read_tree

ROOT = Path(__file__).resolve().parents[3]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))


LAID = [pytest.param(path, id=path.stem) for path in RECIPES]


@pytest.fixture
def params(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(root / "params.yaml", tmp_path))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return tmp_path / "recipe.yaml"


def comments(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line[line.index("#") :] for line in lines if "#" in line]


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES} >= {"banking77", "tickets"}


@pytest.mark.parametrize("path", LAID)
def test_recipe_of_the_project_applies_and_keeps_every_comment(path: Path, params: Path) -> None:
    before, kind = comments(params), read_tree(params)["task"]["kind"]
    changed = apply_recipe(path, params)
    load_params(params)
    if read_tree(params)["task"]["kind"] != kind:
        # An option that only the other kind has goes, and what is said of it.
        before = [line for line in before if "{label: oos" not in line]
    assert comments(params) == before
    assert bool(changed) == (path.stem != "tickets")
    assert apply_recipe(path, params) == []


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_says_what_it_is_before_its_first_value(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", LAID)
def test_tickets_lays_back_what_any_recipe_changed(root: Path, path: Path, params: Path) -> None:
    apply_recipe(path, params)
    apply_recipe(root / "recipes" / "tickets.yaml", params)
    assert read_tree(params) == read_tree(root / "params.yaml")


def test_banking77_names_its_labels_and_floors(root: Path, params: Path) -> None:
    apply_recipe(root / "recipes" / "banking77.yaml", params)
    read = load_params(params)
    assert read.project.name == "banking77"
    assert len(read_tree(params)["task"]["labels"]) == 77
    assert read.gate.floors["accuracy"] == 0.9
    assert read.gate.ceilings.accuracy_loss == 0.005


def test_nothing_changed_leaves_the_file_alone(params: Path, recipe: Path) -> None:
    recipe.write_text("training: {epochs: 4}\n")
    before = params.read_bytes()
    stamp = params.stat().st_mtime_ns
    epochs = load_params(params).training.epochs
    recipe.write_text(f"training: {{epochs: {epochs}}}\n")
    assert apply_recipe(recipe, params) == []
    assert params.read_bytes() == before
    assert params.stat().st_mtime_ns == stamp


def test_one_value_is_one_line(params: Path, recipe: Path) -> None:
    recipe.write_text("training: {epochs: 9}\n")
    before = params.read_text(encoding="utf-8").splitlines()
    assert apply_recipe(recipe, params) == ["training.epochs"]
    after = params.read_text(encoding="utf-8").splitlines()
    pairs = zip(before, after, strict=True)
    assert [b.strip() for a, b in pairs if a != b] == ["epochs: 9"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("search:\n  space:\n    dropout: {choices: [0.0, 0.1]}\n", "search.space"),
        ("search: {space: {dropout: {choices: [0.0, 0.1]}}}\n", "search.space"),
        (
            "search:\n  space:\n    dropout:\n      choices:\n        - 0.0\n        - 0.1\n",
            "search.space",
        ),
        ("search: {space: {}}\n", "search.space"),
        ("task: {labels: [a, b]}\n", "task.labels"),
        ("task:\n  labels:\n    # why\n    - a\n    - b  # so\n# end\n", "task.labels"),
        ("ingestion: {columns: {slices: [channel]}}\n", "ingestion.columns.slices"),
        ("ingestion:\n  columns:\n    slices:\n      - x\n", "ingestion.columns.slices"),
        ("ingestion: {columns: {fields: {text: a, label: b}}}\n", "ingestion.columns.fields"),
        ("augmentation: {lexicon: my.json}\n", "augmentation.lexicon"),
        ("search: {minutes: 2.5}\n", "search.minutes"),
    ],
)
def test_lists_and_tables_are_replaced_whole_and_nothing_else_moves(
    root: Path, params: Path, recipe: Path, text: str, name: str
) -> None:
    recipe.write_text(text)
    before = comments(params)
    assert apply_recipe(recipe, params) == [name]
    expected, laid = read_tree(root / "params.yaml"), read_tree(recipe)
    node: dict[str, object] = expected
    *path, last = name.split(".")
    for part in path:
        node, laid = node[part], laid[part]  # type: ignore[assignment]
    node[last] = laid[last]
    assert read_tree(params) == expected
    assert comments(params) == before
    blank = [line for line in params.read_text(encoding="utf-8").splitlines() if not line]
    assert len(blank) == params_blank_lines(root)


def params_blank_lines(root: Path) -> int:
    lines = (root / "params.yaml").read_text(encoding="utf-8").splitlines()
    return len([line for line in lines if not line])


def test_encoders_digests_are_replaced_whole(params: Path, recipe: Path) -> None:
    names = ("config.json", "model.safetensors", "tokenizer.json")
    digests = "".join(f"    {name}: '{'ab' * 32}'\n" for name in names)
    recipe.write_text(f"encoder:\n  source: path:elsewhere\n  sha256:\n{digests}")
    assert apply_recipe(recipe, params) == ["encoder.source", "encoder.sha256"]
    assert load_params(params).encoder.sha256 == dict.fromkeys(names, "ab" * 32)


def test_unknown_fields_are_all_refused(params: Path, recipe: Path) -> None:
    recipe.write_text("trainin: {epochs: 3}\ntraining: {epoch: 2, qqqqqq: 1}\n")
    before = params.read_bytes()
    with pytest.raises(ParamsError, match=r"recipe.yaml: unknown fields") as error:
        apply_recipe(recipe, params)
    assert [line.strip() for line in error.value.what.splitlines()[1:]] == [
        "trainin: did you mean training?",
        "training.epoch: did you mean training.epochs?",
        "training.qqqqqq: params.yaml has none",
    ]
    assert params.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("training: {epochs: 0}\n", "training.epochs: input should be greater than or equal to 1"),
        ("training: {batch_size: 33, accumulation: 2}\n", "training: accumulation must divide"),
        ("training: 3\n", "training: must hold fields, found 3"),
        ("search: {space: {epoch: {choices: [1, 2]}}}\n", "search.space.epoch: is no searchable"),
        ("task: {kind: poetry}\n", "task.kind: must name a file of components/tasks"),
    ],
)
def test_recipe_that_leads_to_a_broken_rule_changes_nothing(
    params: Path, recipe: Path, text: str, line: str
) -> None:
    recipe.write_text(text)
    before = params.read_bytes()
    with pytest.raises(ParamsError, match=rf"params.yaml with .*recipe.yaml: .*\n(.*\n)*  {line}"):
        apply_recipe(recipe, params)
    assert params.read_bytes() == before
    assert sorted(path.name for path in params.parent.iterdir()) == ["params.yaml", "recipe.yaml"]


def test_options_of_another_kind_replace_the_task_whole(params: Path, recipe: Path) -> None:
    recipe.write_text("task: {kind: poetry, metre: [iamb]}\n")
    with pytest.raises(ParamsError, match=r"task.kind: must name") as error:
        apply_recipe(recipe, params)
    assert "unknown fields" not in error.value.what


def test_missing_recipe_is_told_with_those_there_are(root: Path, params: Path) -> None:
    with pytest.raises(ParamsError, match=r"bankin77.yaml is missing") as error:
        apply_recipe(root / "recipes" / "bankin77.yaml", params)
    assert error.value.cure.endswith(", ".join(path.stem for path in RECIPES))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "expected sections, found an empty file"),
        ("training: {epochs: 1, epochs: 2}\n", "duplicate key"),
        ("training: [\n", "is not valid YAML"),
    ],
)
def test_recipe_that_is_no_yaml_is_refused(
    params: Path, recipe: Path, text: str, rule: str
) -> None:
    recipe.write_text(text)
    with pytest.raises(ParamsError, match=rf"recipe.yaml.*{rule}"):
        apply_recipe(recipe, params)
