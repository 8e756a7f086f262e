from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import Tokenizer

from components.tasks import load_task
from components.tasks.base import Array, metrics, scores
from components.tasks.multilabel import NONE, Options
from components.thresholds import best_together, macro_f1

LABELS = ("joy", "love", "anger", "fear")


def options(**changes: Any) -> Options:
    return Options(
        **{
            "kind": "multilabel",
            "labels": LABELS,
            "separator": ",",
            "thresholds": (0.5,) * 4,
            **changes,
        }
    )


TASK = load_task(options())
OPEN = load_task(options(thresholds=None))


def named(gold: Array) -> list[dict[str, str]]:
    """Return examples whose cells name the labels, some of them none, in any order."""
    cells = [[LABELS[i] for i in np.flatnonzero(row)[::-1]] for row in gold]
    return [{"label": ",".join(cell) or "[]"} for cell in cells]


def drawn(seed: int, rows: int = 14, used: int = 4) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    gold = rng.random((rows, 4)) < 0.35
    gold[:, used:] = False
    logits = rng.normal(size=(rows, 4)) + gold
    logits[:, used:] = -9
    return gold, logits


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("used", [2, 4])
def test_metrics_are_those_of_scikit_learn(seed: int, used: int) -> None:
    gold, logits = drawn(seed, used=used)
    answered = logits >= 0
    seen = (gold | answered).any(axis=0)
    found = metrics(TASK, named(gold), list(logits))
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, answered))
    assert found["micro_f1"] == pytest.approx(
        f1_score(gold, answered, average="micro", zero_division=0)
    )
    # scikit-learn takes every column that it is given; here, those that occur
    assert found["macro_f1"] == pytest.approx(
        f1_score(gold[:, seen], answered[:, seen], average="macro", zero_division=0)
    )


@pytest.mark.parametrize("seed", range(4))
def test_accuracy_is_the_share_of_right_answers(seed: int) -> None:
    gold, logits = drawn(seed)
    examples = named(gold)
    right = TASK.right(examples, TASK.decode(list(logits)))
    assert metrics(TASK, examples, list(logits))["accuracy"] == right.mean()


def test_each_label_has_its_own_threshold() -> None:
    task = load_task(options(thresholds=(0.5, 0.9, 0.1, 0.5)))
    (answer,) = task.decode([np.array([0.1, 2.0, -2.0, -0.1])])
    assert answer.label == "joy, anger"
    assert answer.value["labels"] == ["joy", "anger"]
    probability = 1 / (1 + np.exp(-np.array([0.1, -2.0, -2.0, 0.1])))
    assert answer.score == pytest.approx(probability.prod())
    assert answer.value["scores"]["love"] == pytest.approx(1 - probability[1], abs=1e-6)


def test_answer_without_a_label_is_an_answer_of_its_own() -> None:
    (answer,) = TASK.decode([np.full(4, -3.0)])
    assert (answer.label, answer.value["labels"]) == (NONE, [])
    assert answer.score == pytest.approx((1 / (1 + np.exp(-3))) ** 4)
    assert TASK.right([{"label": "[]"}, {"label": "joy"}], [answer, answer]).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize("cell", ["[]", " [ ] ", NONE])
def test_no_label_is_legal_where_it_is_said(cell: str, tiny_tokenizer: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))
    assert TASK.reject({"text": "x", "label": cell}) is None
    assert TASK.truth({"label": cell}) == NONE
    assert list(TASK.tags({"label": cell})) == []
    encoded = TASK.encode(tokenizer, [{"text": "x", "label": cell}], 16)
    assert encoded.targets is not None
    assert encoded.targets[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("example", [{}, {"label": None}, {"label": ""}, {"label": "  "}])
def test_cell_that_says_nothing_is_a_missing_label(example: dict[str, Any]) -> None:
    assert TASK.reject({"text": "x", **example}) == "missing_label"
    assert list(TASK.tags(example)) == []


@pytest.mark.parametrize("cell", ["joy,", ",joy", "joy,,love", '["joy", ""]'])
def test_empty_part_is_a_missing_label(cell: str) -> None:
    assert TASK.reject({"text": "x", "label": cell}) == "missing_label"
    assert "" not in TASK.tags({"label": cell})


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("joy,lvoe", ["joy", "lvoe"]),
        ("Joy", ["Joy"]),
        ('["joy", "x"]', ["joy", "x"]),
        ('["joy', ['["joy']),
        ("[1]", ["[1]"]),
        ("[" * 100_000, ["[" * 100_000]),
        (f"{NONE},joy", [NONE, "joy"]),
    ],
)
def test_unknown_label_is_rejected_and_told(cell: str, tags: Sequence[str]) -> None:
    assert TASK.reject({"text": "x", "label": cell}) == "unknown_label"
    assert list(TASK.tags({"label": cell})) == tags


@pytest.mark.parametrize("cell", ["love,joy", "joy , love", '["love", "joy"]', "joy, love,joy"])
def test_one_set_of_labels_is_one_answer_however_it_is_written(cell: str) -> None:
    assert TASK.reject({"text": "x", "label": cell}) is None
    assert TASK.truth({"label": cell}) == "joy, love"


@pytest.mark.parametrize("separator", [",", ";", "|", " ", " and "])
def test_what_is_answered_can_be_read_again(separator: str) -> None:
    task = load_task(options(separator=separator))
    for answer in task.decode([np.array(row) for row in np.ndindex(2, 2, 2, 2)]):
        again = {"label": answer.label}
        assert task.reject(again) is None
        assert task.truth(again) == answer.label
        assert [t for t in LABELS if t in task.tags(again)] == answer.value["labels"]


def test_table_counts_each_label_of_a_row() -> None:
    gold = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    answered = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]], bool)
    table = TASK.table(named(gold), TASK.decode(list(np.where(answered, 4.0, -4.0))))
    assert [row["rows"] for row in table] == [2, 1, 0, 0]
    assert [row["f1"] for row in table] == [1.0, 0.0, 0.0, None]
    assert [row["precision"] for row in table] == [1.0, 0.0, 0.0, None]


@pytest.mark.parametrize("seed", range(6))
def test_epochs_are_compared_at_the_best_common_threshold(seed: int) -> None:
    gold, logits = drawn(seed, rows=30)
    examples, shifted = OPEN.from_tokens(list(gold.astype(np.float32)), list(logits))
    expected = macro_f1(logits >= best_together(logits, gold), gold)
    assert metrics(OPEN, examples, shifted)["macro_f1"] == pytest.approx(expected)
    # wherever the head puts its threshold
    moved = OPEN.from_tokens(list(gold.astype(np.float32)), list(logits - 4))
    assert metrics(OPEN, *moved) == pytest.approx(metrics(OPEN, examples, shifted))


def test_thresholds_that_are_given_are_kept() -> None:
    gold, logits = drawn(1)
    assert TASK.tuned(list(gold), list(logits)) == TASK.options
    examples, same = TASK.from_tokens(list(gold), list(logits))
    assert np.array_equal(np.stack(same), logits)
    assert metrics(TASK, examples, same) == metrics(TASK, named(gold), list(logits))


def test_targets_alone_tell_the_labels() -> None:
    gold, _ = drawn(2)
    examples, none = OPEN.from_tokens(list(gold.astype(np.float32)), [])
    assert [OPEN.truth(e) for e in examples] == [OPEN.truth(e) for e in named(gold)]
    assert none == []


@pytest.mark.parametrize("shift", [-6.0, 0.0, 6.0])
def test_tuned_thresholds_follow_the_head_and_travel_with_the_options(shift: float) -> None:
    rng = np.random.default_rng(4)
    gold = rng.random((200, 4)) < 0.3
    logits = rng.normal(size=gold.shape) + 3 * gold + shift
    found = OPEN.tuned(list(gold.astype(np.float32)), list(logits))
    task = load_task(Options.model_validate_json(found.model_dump_json()))
    assert not task.tunes
    at_best = scores(task, task.tallies(named(gold), list(logits)))["macro_f1"]
    assert at_best >= macro_f1(logits >= best_together(logits, gold), gold) - 0.02
    assert at_best > 0.75


def test_thresholds_of_a_head_that_is_sure_of_all_stay_between_0_and_1() -> None:
    gold, _ = drawn(3)
    sure = np.where(gold, 1e6, 1e5)
    found = OPEN.tuned(list(gold.astype(np.float32)), list(sure))
    assert Options.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"labels": ("joy",)}, "at least 2"),
        ({"labels": ("joy", "joy", "a", "b")}, "listed once, found twice: joy"),
        ({"labels": ("joy ", "a", "b", "c")}, "space around it, found 'joy '"),
        ({"labels": (NONE, "a", "b", "c")}, "no label may be empty"),
        ({"labels": ("[x", "a", "b", "c")}, r"begin with \["),
        ({"separator": ""}, "at least 1 character"),
        ({"separator": "o"}, "must stand in no label, found 'o' in 'joy'"),
        ({"thresholds": (0.5,)}, "one for each of 4 labels: 1"),
        ({"thresholds": (0.5, 0.5, 0.5, 1.0)}, "less than 1"),
        ({"thresholds": (0.0, 0.5, 0.5, 0.5)}, "greater than 0"),
        ({"thresholds": (float("nan"), 0.5, 0.5, 0.5)}, "less than 1"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        options(**changes)
