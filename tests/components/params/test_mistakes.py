from __future__ import annotations

from typing import Any

import pytest

from components.errors import ParamsError
from components.params.load import check_params
from components.tasks import task_kinds

Tree = dict[str, Any]


def mistakes(tree: Tree) -> list[str]:
    """Return the lines in which a tree is refused."""
    with pytest.raises(ParamsError, match=r"^params.yaml: ") as error:
        check_params(tree, "params.yaml")
    head, *lines = error.value.what.splitlines()
    assert head == f"params.yaml: {len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    assert error.value.cure == "mend params.yaml and run again"
    return [line.strip() for line in lines]


def put(tree: Tree, name: str, value: object) -> Tree:
    """Set a value by its dotted name."""
    *path, last = name.split(".")
    node = tree
    for part in path:
        node = node[part]
    node[last] = value
    return tree


def cut(tree: Tree, name: str) -> Tree:
    *path, last = name.split(".")
    node = tree
    for part in path:
        node = node[part]
    del node[last]
    return tree


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        # wrong type
        ("training.learning_rate", "fast", 'input should be a valid number, found "fast"'),
        ("training.learning_rate", "0.1", 'input should be a valid number, found "0.1"'),
        ("training.epochs", 2.5, "input should be a valid integer, found 2.5"),
        ("training.epochs", "3", 'input should be a valid integer, found "3"'),
        ("training.epochs", True, "input should be a valid integer, found true"),
        ("training.epochs", None, "input should be a valid integer, found null"),
        ("release.publish", 1, "input should be a valid boolean, found 1"),
        ("project.name", 7, "input should be text, found 7 (quote it)"),
        ("training", 3, "must hold fields, found 3"),
        ("training", None, "must hold fields, found null"),
        ("task", [], "must hold fields, found []"),
        # out of range
        ("training.epochs", 0, "input should be greater than or equal to 1, found 0"),
        ("gate.confidence", 1.0, "input should be less than 1, found 1.0"),
        ("augmentation.edits.typo", 1.5, "input should be less than or equal to 1, found 1.5"),
        ("augmentation.edits.typo", float("nan"), "input should be a finite number, found NaN"),
        ("gate.ceilings.size_mb", float("inf"), "input should be a finite number, found Infinity"),
        ("training.decay", "cubic", "input should be 'linear' or 'cosine', found \"cubic\""),
        # labels
        (
            "task.labels",
            ["a", "b", "a", "b"],
            'every label must be listed once, found twice: a, b, found ["a", "b", "a", "b"]',
        ),
        ("task.labels", ["a"], 'needs at least 2 entries, found ["a"]'),
    ],
)
def test_mistake_is_told_with_name_rule_and_value(
    params_tree: Tree, name: str, value: object, rule: str
) -> None:
    assert mistakes(put(params_tree, name, value)) == [f"{name}: {rule}"]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "training.accumulation",
            3,
            "training: accumulation must divide batch_size, found 3 and 16",
        ),
        (
            "ingestion.columns.slices",
            ["a", "b", "a"],
            "ingestion.columns: slices must differ, found a, b, a",
        ),
        (
            "ingestion.columns.header",
            ["text", "text"],
            "ingestion.columns: header must hold names that differ, found ['text', 'text']",
        ),
        (
            "ingestion.format",
            "tsv",
            "ingestion: format, scheme and columns.header must be null for a sample: it is no file",
        ),
        (
            "ingestion.test_source",
            "test.csv",
            "ingestion: splits.test must be above 0 when test_source is null, and 0 when not",
        ),
        (
            "ingestion.splits.test",
            0.7,
            "ingestion: splits.validation and splits.test must leave 0.2 for training, "
            "found 0.15 and 0.7",
        ),
    ],
)
def test_rule_between_fields_is_told_with_its_section(
    params_tree: Tree, name: str, value: object, line: str
) -> None:
    assert mistakes(put(params_tree, name, value)) == [line]


def test_entry_of_a_list_is_told_by_its_place(params_tree: Tree) -> None:
    params_tree["task"]["labels"][1] = 7
    assert mistakes(params_tree) == ["task.labels.1: input should be text, found 7 (quote it)"]


def test_files_of_the_encoder_are_data_and_complete(params_tree: Tree) -> None:
    digests = params_tree["encoder"]["sha256"]
    digests["model.bin"] = digests.pop("model.safetensors")
    assert mistakes(params_tree) == [
        "encoder.sha256: 'model.bin' may carry code that runs when it is opened; only "
        ".json, .safetensors, .txt, .model are used",
        "encoder.sha256: the digest of model.safetensors is missing",
    ]


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("training.epoch", "training.epochs"),
        ("search.pruner.warmup_epoch", "search.pruner.warmup_epochs"),
        ("search.space.learning_rate.hihg", "search.space.learning_rate.high"),
        ("search.space.label_smoothing.choises", "search.space.label_smoothing.choices"),
        ("augmentation.edits.typos", "augmentation.edits.typo"),
        ("validation.min_rows_per_label.trian", "validation.min_rows_per_label.train"),
        ("task.label", "task.labels"),
        ("trainin", "training"),
        ("Training", "training"),
        ("training.zzzzzz", None),
    ],
)
def test_unknown_field_is_told_with_the_one_that_was_meant(
    params_tree: Tree, name: str, close: str | None
) -> None:
    put(params_tree, name, 1)
    meant = f" (did you mean {close}?)" if close else ""
    assert mistakes(params_tree) == [f"{name}: unknown field{meant}"]


@pytest.mark.parametrize(
    "name", ["gate", "training.epochs", "gate.slices.margin", "task", "task.kind", "task.labels"]
)
def test_missing_field_is_named(params_tree: Tree, name: str) -> None:
    assert mistakes(cut(params_tree, name)) == [f"{name}: missing"]


def test_all_mistakes_are_told_at_once(params_tree: Tree) -> None:
    put(params_tree, "project.seed", -1)
    put(params_tree, "task.kind", "clasification")
    cut(params_tree, "gate.margin")
    put(params_tree, "training.epoch", 3)
    put(params_tree, "search.space.warmup_share.low", "x")
    put(params_tree, "release.publish", "yes")
    assert mistakes(params_tree) == [
        "project.seed: input should be greater than or equal to 0, found -1",
        f"task.kind: must name a file of components/tasks: {', '.join(task_kinds())}, "
        'found "clasification"',
        'search.space.warmup_share.low: input should be a valid number, found "x"',
        "training.epoch: unknown field (did you mean training.epochs?)",
        "gate.margin: missing",
        'release.publish: input should be a valid boolean, found "yes"',
    ]


@pytest.mark.parametrize(
    ("name", "space", "lines"),
    [
        (
            "learning_rate",
            {"low": 0.0, "high": 0.1, "log": True, "step": None},
            [": log needs a low above 0 and a null step, found low 0.0 and step null"],
        ),
        (
            "learning_rate",
            {"low": 0.1, "high": 0.1, "log": False, "step": None},
            [": low must be below high, found 0.1 and 0.1"],
        ),
        ("learning_rate", 3, [": must hold fields, found 3"]),
        ("learning_rate", ["a"], [': must hold fields, found ["a"]']),
        ("learning_rate", {"choices": [0.1]}, [".choices: needs at least 2 entries, found [0.1]"]),
        (
            "learning_rate",
            {"choices": [True, 0.1]},
            [".choices.0: must be a number or a text, found true"],
        ),
        (
            "learning_rate",
            {"low": 0.1, "high": 0.2},
            [".log: missing", ".step: missing"],
        ),
        (
            "learning_rat",
            {"choices": [0.1, 0.2]},
            [": is no searchable field of training (did you mean search.space.learning_rate?)"],
        ),
        # what training would refuse
        (
            "decay",
            {"choices": ["linear", "cosin"]},
            [".choices: input should be 'linear' or 'cosine', found \"cosin\""],
        ),
        (
            "dropout",
            {"low": 0.0, "high": 1.0, "log": False, "step": None},
            [".high: input should be less than 1, found 1.0"],
        ),
        (
            "batch_size",
            {"low": 16, "high": 64, "log": False, "step": 0.5},
            [".step: must be whole, found 0.5"],
        ),
        (
            "batch_size",
            {"low": 16.5, "high": 64, "log": False, "step": None},
            [".low: input should be a valid integer, found 16.5"],
        ),
        (
            "accumulation",
            {"choices": [1, 5]},
            [".choices: accumulation must divide batch_size, found 5 and 16"],
        ),
    ],
)
def test_search_space_is_held_against_training(
    params_tree: Tree, name: str, space: object, lines: list[str]
) -> None:
    params_tree["search"]["space"] = {name: space}
    assert mistakes(params_tree) == [f"search.space.{name}{line}" for line in lines]


def test_one_seed_alone_cannot_tell_whether_copies_help(params_tree: Tree) -> None:
    params_tree["search"]["finalists"]["seeds"] = 0
    params_tree["search"]["ablation"]["seeds"] = 1
    (line,) = mistakes(params_tree)
    assert line.startswith("search.ablation.seeds: must be at least 2 where search.finalists.seeds")
    for given in ({"seeds": 2, "resamples": 200, "confidence": 0.9}, None):
        params_tree["search"]["ablation"] = given
        check_params(params_tree, "params.yaml")


def test_epochs_cannot_be_searched(params_tree: Tree) -> None:
    params_tree["search"]["space"] = {"epochs": {"choices": [1, 2]}}
    (line,) = mistakes(params_tree)
    assert line.startswith("search.space.epochs: is no searchable field of training")


def test_whole_ranges_fit_whole_fields(params_tree: Tree) -> None:
    params_tree["search"]["space"] = {
        "batch_size": {"low": 16, "high": 64, "log": False, "step": 16}
    }
    check_params(params_tree, "params.yaml")


def test_columns_are_held_against_the_task(params_tree: Tree) -> None:
    put(params_tree, "ingestion.columns.fields", {"txet": "body", "label": "intent"})
    put(params_tree, "ingestion.columns.values", {"lable": {"0": "ham"}})
    assert mistakes(params_tree) == [
        "ingestion.columns.fields.text: missing: the task needs it",
        "ingestion.columns.fields.txet: the task has no such field: text, label",
        "ingestion.columns.values.lable: the task has no such field: text, label",
    ]


def test_long_values_are_shown_in_part(params_tree: Tree) -> None:
    put(params_tree, "project.seed", "7" * 1000)
    (line,) = mistakes(params_tree)
    assert len(line) < 200
    assert line.endswith("...")
