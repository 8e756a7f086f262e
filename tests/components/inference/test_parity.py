"""In: predictors that part from torch as planned. Out: each parting counted, and named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from components.errors import DataError
from components.inference import Predictor, load_bundle, load_predictor
from components.inference.parity import Answered, answer, compare
from components.records import read_examples
from components.tasks.base import Array, Task

TEXTS = [{"id": f"row-{row}", "text": "refund " * (row + 1)} for row in range(6)]


def predictor(folder: Path, favour: Callable[[int, int], int]) -> Predictor:
    """Answer with the label that `favour` names for a batch of this many rows and tokens."""

    def forward(inputs: Mapping[str, Array]) -> Array:
        rows, tokens = inputs["input_ids"].shape
        return np.tile(np.eye(3)[favour(rows, tokens)], (rows, 1))

    return Predictor(load_bundle(folder), forward)


def answered(task: Task, *found: int) -> Answered:
    logits = [np.eye(3)[index] for index in found]
    return Answered(logits, [], [1.0] * len(found), task.decode(logits))


def test_answers_that_depend_on_nothing_are_none(trained_bundle: Path) -> None:
    found = answer(predictor(trained_bundle, lambda *_: 1), TEXTS, 4)
    assert found.dependent == []
    assert [int(row.argmax()) for row in found.logits] == [1] * 6
    assert len(found.milliseconds) == 6
    assert all(spent > 0 for spent in found.milliseconds)


def test_an_answer_that_is_another_alone_depends(trained_bundle: Path) -> None:
    found = answer(predictor(trained_bundle, lambda rows, _: int(rows == 1)), TEXTS, 3)
    assert found.dependent == [0, 1, 2, 3, 4, 5]
    assert [int(row.argmax()) for row in found.logits] == [0] * 6


def test_an_answer_that_is_another_with_more_padding_depends(trained_bundle: Path) -> None:
    # With its two special tokens the longest text has 8; twice that is what only padding reaches.
    found = answer(predictor(trained_bundle, lambda _, tokens: int(tokens > 8)), TEXTS, 1)
    assert found.dependent == [2, 3, 4, 5]


def test_padding_never_goes_beyond_what_the_model_reads(trained_bundle: Path) -> None:
    seen = []

    def favour(_: int, tokens: int) -> int:
        seen.append(tokens)
        return 0

    answer(predictor(trained_bundle, favour), [{"text": "refund " * 25}], 1)
    assert max(seen) == 32


def test_flips_are_told_apart_by_the_true_label_and_broken_ones_come_first(task: Task) -> None:
    labels = ("track", "refund", "login", "track", "track")
    examples = [
        {"id": str(i), "text": f"text {i}", "label": label} for i, label in enumerate(labels)
    ]
    torch = answered(task, 0, 0, 0, 0, 0).logits
    int8 = answered(task, 0, 1, 1, 2, 0)
    report = compare(task, torch, {"onnx": answered(task, 0, 0, 0, 0, 0), "int8": int8}, examples)
    assert report["rows"] == 5
    assert report["artifacts"]["onnx"] == {
        "max_logit_difference": 0.0,
        "disagreements": 0,
        "batch_dependent": 0,
        "broken": 0,
        "fixed": 0,
        "neutral": 0,
    }
    counts = {"disagreements": 3, "broken": 1, "fixed": 1, "neutral": 1}
    assert report["artifacts"]["int8"].items() >= counts.items()
    assert report["artifacts"]["int8"]["max_logit_difference"] == 1.0
    assert [(flip["id"], flip["kind"]) for flip in report["flips"]] == [
        ("3", "broken"),
        ("1", "fixed"),
        ("2", "neutral"),
    ]
    assert report["flips"][0] == {
        "id": "3",
        "text": "text 3",
        "label": "track",
        "torch": "track",
        "int8": "login",
        "kind": "broken",
    }
    json.dumps(report, allow_nan=False)


def test_at_most_fifty_flips_are_listed_but_all_are_counted(task: Task) -> None:
    examples = [{"id": str(i), "text": "", "label": "refund"} for i in range(60)]
    found = compare(
        task, answered(task, *[0] * 60).logits, {"int8": answered(task, *[2] * 60)}, examples
    )
    assert len(found["flips"]) == 50
    assert found["artifacts"]["int8"]["neutral"] == 60


def test_without_examples_there_is_nothing_to_compare(task: Task) -> None:
    with pytest.raises(DataError, match="no examples to compare"):
        compare(task, [], {}, [])


def test_a_flip_of_a_real_graph_is_found(
    toy_bundle: Callable[..., Path], toy_data: Callable[..., Path], tmp_path: Path
) -> None:
    right = load_predictor(toy_bundle(tmp_path / "right"), 1)
    wrong = load_predictor(toy_bundle(tmp_path / "wrong", votes={"money": 2}), 1)
    examples = read_examples(toy_data(tmp_path / "data", rows=10), "validation")
    found = answer(wrong, examples, 4)
    report = compare(right.bundle.task, right.logits(examples, 4), {"int8": found}, examples)
    money = sum("money" in example["text"] for example in examples)
    assert report["artifacts"]["int8"]["broken"] == money > 0
    assert report["artifacts"]["int8"]["max_logit_difference"] == 4.0
    assert all("money" in flip["text"] for flip in report["flips"])
