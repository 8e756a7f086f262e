"""In: rows of which some labels are rare. Out: the laws of the copies that are made for them."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.augmentation import augment
from components.augmentation.balance import MOST_COPIES
from components.near import NearCopies
from components.params import ProjectParams
from components.records import read_card, read_examples
from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.multilabel import Options
from tests.components.augmentation.made import PROJECT, params, whole, write_valid

Rows = dict[str, list[dict[str, Any]]]
THINGS = ("parcel", "invoice", "refund", "password", "product", "order", "card", "address")
EDITS = {"typo": 0.1, "synonym": 0.05, "case": 0.05}


def asked(labels: dict[str, int], split: str = "train") -> list[dict[str, Any]]:
    """Return so many rows of each label."""
    listed = [label for label, count in labels.items() for _ in range(count)]
    return [
        whole(
            split,
            n,
            {
                "text": f"{split} {n * 7919}: please tell me about the {THINGS[n % 8]} problem",
                "label": label,
            },
        )
        for n, label in enumerate(listed)
    ]


@pytest.fixture
def rows(task: Task) -> Rows:
    counts = dict(zip(task.labels, (100, 30, 10), strict=True))
    few = dict.fromkeys(task.labels, 4)
    return {"train": asked(counts), **{split: asked(few, split) for split in SPLITS[1:]}}


def made(task: Task, rows: Rows, folder: Path, balance: float, **near: float) -> list[Any]:
    valid = write_valid(folder / "valid", rows)
    augment(PROJECT, task, params(balance=balance, **near, **EDITS), valid, folder / "out")
    return list(read_examples(folder / "out", "train"))


def counted(task: Task, rows: list[Any]) -> Counter[str]:
    return Counter(tag for row in rows for tag in task.tags(row))


@pytest.mark.parametrize("balance", [0.1, 0.3, 0.4])
def test_every_label_reaches_the_share(
    task: Task, rows: Rows, tmp_path: Path, balance: float
) -> None:
    counts = counted(task, made(task, rows, tmp_path, balance))
    assert min(counts.values()) >= balance * max(counts.values())
    before = counted(task, made(task, rows, tmp_path / "plain", 0.0))
    goal = math.ceil(balance * max(before.values()))
    assert counts == {label: max(goal, count) for label, count in before.items()}


def test_no_row_is_copied_more_often_than_promised(task: Task, rows: Rows, tmp_path: Path) -> None:
    plain = {row["id"] for row in made(task, rows, tmp_path / "plain", 0.0)}
    found = [row for row in made(task, rows, tmp_path, 1.0) if row["id"] not in plain]
    copies = Counter(row["parent_id"] for row in found)
    assert max(copies.values()) == MOST_COPIES
    rare = [row["id"] for row in rows["train"] if row["label"] == task.labels[2]]
    # Every row had its turns, some of which an edit did not find anything to do in.
    assert sum(copies[name] for name in rare) > 3 * len(rare)
    assert not any(row["label"] == task.labels[0] for row in found)


def test_rows_take_turns(task: Task, rows: Rows, tmp_path: Path) -> None:
    plain = {row["id"] for row in made(task, rows, tmp_path / "plain", 0.0)}
    found = [row for row in made(task, rows, tmp_path, 0.2) if row["id"] not in plain]
    numbers = Counter(row["id"].rpartition("+")[2] for row in found)
    assert list(numbers) == ["1", "2"]


def test_what_edits_make_anyway_stays_and_copies_name_their_origin(
    task: Task, rows: Rows, tmp_path: Path
) -> None:
    plain = made(task, rows, tmp_path / "plain", 0.0)
    found = made(task, rows, tmp_path, 0.4)
    assert found[: len(plain)] == plain
    parents = {row["id"]: row for row in rows["train"]}
    for row in found[len(plain) :]:
        name, edit, number = row["id"].split("+")
        assert (name, edit) == (row["parent_id"], row["edit"])
        assert 1 <= int(number) <= MOST_COPIES
        assert row["label"] == parents[name]["label"]
        assert row["text"] != parents[name]["text"]
    assert len({row["id"] for row in found}) == len(found) == len({row["text"] for row in found})


def test_edits_make_copies_in_proportion_to_their_shares(
    task: Task, rows: Rows, tmp_path: Path
) -> None:
    made(task, rows, tmp_path, 1.0)
    chosen = read_card(tmp_path / "out")["chosen"]
    assert chosen["swap"] == chosen["deletion"] == 0
    assert 0.35 < chosen["typo"] / sum(chosen.values()) < 0.65
    assert min(chosen["synonym"], chosen["case"]) > 0.1 * sum(chosen.values())


def test_copies_for_labels_do_not_depend_on_row_order_but_on_the_seed(
    task: Task, rows: Rows, tmp_path: Path
) -> None:
    straight = made(task, rows, tmp_path / "a", 0.4)
    rows["train"].reverse()
    copies = [row for row in straight if row["edit"]]
    assert [row for row in made(task, rows, tmp_path / "b", 0.4) if row["edit"]] == copies
    other = ProjectParams(name="toy", seed=8)
    augment(other, task, params(balance=0.4, **EDITS), tmp_path / "b/valid", tmp_path / "c")
    assert [row for row in read_examples(tmp_path / "c", "train") if row["edit"]] != copies


def test_near_copies_of_held_out_texts_are_not_made_for_rare_labels_either(
    task: Task, rows: Rows, tmp_path: Path
) -> None:
    held_out = [row for row in rows["train"] if row["label"] == task.labels[2]]
    for row, twin in zip(rows["test"], held_out, strict=False):
        row["text"] = twin["text"].upper()
    found = made(task, rows, tmp_path, 1.0, near=0.7)
    near = NearCopies([row["text"] for split in SPLITS[1:] for row in rows[split]], 0.7)
    assert not any(row["text"] in near for row in found if row["edit"])
    assert read_card(tmp_path / "out")["dropped"]["near_copy"] > 10


def test_the_card_tells_what_was_made_for_each_label(
    task: Task, rows: Rows, tmp_path: Path
) -> None:
    plain = counted(task, made(task, rows, tmp_path / "plain", 0.0))
    found = counted(task, made(task, rows, tmp_path, 0.3))
    card = read_card(tmp_path / "out")
    assert card["balanced"] == {k: found[k] - plain[k] for k in found if found[k] > plain[k]}
    assert sum(card["chosen"].values()) == sum(card["edits"].values()) + sum(
        card["dropped"].values()
    )
    assert "balanced" not in read_card(tmp_path / "plain/out")


def test_a_row_with_several_labels_is_copied_for_its_rarest(tmp_path: Path) -> None:
    options = Options(kind="multilabel", labels=("a", "b", "c"), separator=",", thresholds=None)
    task = load_task(options)
    train = asked({"a": 60, "a,b": 20, "a, c": 10, "[]": 10})
    rows = {"train": train, **{split: asked({"a": 2}, split) for split in SPLITS[1:]}}
    plain = counted(task, made(task, rows, tmp_path / "plain", 0.0))
    found = made(task, rows, tmp_path, 0.4)
    copies = Counter(row["label"] for row in found if row["id"].count("+") > 1)
    assert set(copies) == {"a,b", "a, c"}
    assert read_card(tmp_path / "out")["balanced"] == {"b": copies["a,b"], "c": copies["a, c"]}
    counts = counted(task, found)
    assert counts["b"] == counts["c"] == math.ceil(0.4 * plain["a"])


def test_a_label_without_rows_stays_without(task: Task, tmp_path: Path) -> None:
    rows = {
        "train": asked({task.labels[0]: 20, task.labels[1]: 5}),
        **{split: asked({task.labels[0]: 2}, split) for split in SPLITS[1:]},
    }
    assert counted(task, made(task, rows, tmp_path, 1.0))[task.labels[2]] == 0
