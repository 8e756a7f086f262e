from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.augmentation import augment
from components.errors import IntegrityError, ParamsError
from components.near import NearCopies
from components.params import ProjectParams
from components.records import read_card, read_examples
from components.schema import SPLITS
from components.tasks.base import Task
from tests.components.augmentation.made import PROJECT, params, whole, write_valid

OPENINGS = ("Where is", "Please tell me about", "I did not get", "Why is there an error with")
THINGS = ("my parcel", "the invoice", "my new phone", "the refund", "my password", "this product")
NAMES = ("typo", "swap", "deletion", "synonym", "case", "punctuation")


def rows_of(split: str, count: int, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        whole(
            split,
            index,
            {
                "text": f"{OPENINGS[index % 4]} {THINGS[index % 6]} {split} {index * 7919}?",
                "label": labels[index % len(labels)],
            },
        )
        for index in range(count)
    ]


ALL = dict.fromkeys(NAMES, 0.5)


@pytest.fixture
def rows(task: Task) -> dict[str, list[dict[str, Any]]]:
    return {
        split: rows_of(split, count, task.labels)
        for split, count in zip(SPLITS, (200, 20, 20), strict=True)
    }


@pytest.fixture
def valid(tmp_path: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    return write_valid(tmp_path / "valid", rows)


def test_held_out_rows_are_untouched(task: Task, valid: Path, tmp_path: Path) -> None:
    augment(PROJECT, task, params(**ALL), valid, tmp_path / "out")
    for split in SPLITS[1:]:
        expected = [{**row, "parent_id": None, "edit": None} for row in read_examples(valid, split)]
        assert read_examples(tmp_path / "out", split) == expected


def test_training_rows_stay_and_copies_follow(task: Task, valid: Path, tmp_path: Path) -> None:
    augment(PROJECT, task, params(**ALL), valid, tmp_path / "out")
    originals = read_examples(valid, "train")
    made = read_examples(tmp_path / "out", "train")
    assert [{k: v for k, v in row.items() if k not in ("parent_id", "edit")} for row in made][
        : len(originals)
    ] == originals
    assert all(row["parent_id"] is None for row in made[: len(originals)])
    assert all(row["parent_id"] is not None for row in made[len(originals) :])


def test_copy_keeps_everything_of_its_parent_but_text_and_id(
    task: Task, valid: Path, tmp_path: Path
) -> None:
    augment(PROJECT, task, params(**ALL), valid, tmp_path / "out")
    made = read_examples(tmp_path / "out", "train")
    parents = {row["id"]: row for row in made if row["parent_id"] is None}
    copies = [row for row in made if row["parent_id"] is not None]
    assert {row["edit"] for row in copies} == set(NAMES)
    assert len({row["id"] for row in made}) == len(made)
    for copy in copies:
        parent = parents[copy["parent_id"]]
        altered = {"id", "text", "parent_id", "edit"}
        assert {k: v for k, v in copy.items() if k not in altered} == {
            k: v for k, v in parent.items() if k not in altered
        }
        assert copy["text"] != parent["text"]
        assert copy["id"] == f"{parent['id']}+{copy['edit']}"


def test_no_text_is_made_twice(task: Task, valid: Path, tmp_path: Path) -> None:
    augment(PROJECT, task, params(**dict.fromkeys(NAMES, 1.0)), valid, tmp_path / "out")
    texts = [row["text"] for split in SPLITS for row in read_examples(tmp_path / "out", split)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_no_copy_is_near_a_held_out_text(
    task: Task, rows: dict[str, list[dict[str, Any]]], tmp_path: Path, threshold: float
) -> None:
    for place, split in ((0, "validation"), (1, "test")):
        rows[split][0]["text"] = rows["train"][place]["text"].upper()
    valid = write_valid(tmp_path / "valid", rows)
    shares = dict.fromkeys(NAMES, 1.0)
    card = augment(PROJECT, task, params(near=threshold, **shares), valid, tmp_path / "out")
    texts = [r["text"] for split in SPLITS[1:] for r in read_examples(tmp_path / "out", split)]
    near = NearCopies(texts, threshold)
    copies = [r for r in read_examples(tmp_path / "out", "train") if r["parent_id"] is not None]
    assert card["dropped"]["near_copy"] > 0
    assert copies
    assert all(near.nearest(copy["text"]) < threshold for copy in copies)


@pytest.mark.parametrize("split", SPLITS[1:])
def test_held_out_texts_only_take_copies_away(
    task: Task, rows: dict[str, list[dict[str, Any]]], tmp_path: Path, split: str
) -> None:
    """Of the held-out texts nothing comes into training but that a copy near one is not made."""
    far = write_valid(tmp_path / "far", rows)
    more = rows_of(f"more-{split}", 20, task.labels)
    for index, row in enumerate(more):
        row["text"] = rows["train"][index]["text"].upper()
    rows[split] += more
    near = write_valid(tmp_path / "near", rows)
    for valid in (far, near):
        augment(PROJECT, task, params(near=0.7, **ALL), valid, valid.with_suffix(".out"))
    many, fewer = (
        {row["id"]: row for row in read_examples(valid.with_suffix(".out"), "train")}
        for valid in (far, near)
    )
    assert {row["id"] for row in rows["train"]} <= set(fewer) < set(many)
    assert all(many[name] == row for name, row in fewer.items())


def test_selection_does_not_depend_on_row_order(
    task: Task, rows: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    straight = write_valid(tmp_path / "straight", rows)
    random.Random(1).shuffle(rows["train"])
    mixed = write_valid(tmp_path / "mixed", rows)
    augment(PROJECT, task, params(**ALL), straight, tmp_path / "a")
    augment(PROJECT, task, params(**ALL), mixed, tmp_path / "b")
    a, b = (
        [row for row in read_examples(tmp_path / name, "train") if row["parent_id"]]
        for name in ("a", "b")
    )
    assert a == b


def test_an_edit_does_not_depend_on_the_others(task: Task, valid: Path, tmp_path: Path) -> None:
    augment(PROJECT, task, params(**ALL), valid, tmp_path / "all")
    augment(PROJECT, task, params(typo=0.5), valid, tmp_path / "one")
    all_, one = (
        [row for row in read_examples(tmp_path / name, "train") if row["edit"] == "typo"]
        for name in ("all", "one")
    )
    assert one
    assert all_ == one


def test_same_seed_gives_same_bytes_and_another_seed_others(
    task: Task, valid: Path, tmp_path: Path
) -> None:
    first = augment(PROJECT, task, params(**ALL), valid, tmp_path / "a")
    second = augment(PROJECT, task, params(**ALL), valid, tmp_path / "b")
    other = augment(ProjectParams(name="toy", seed=8), task, params(**ALL), valid, tmp_path / "c")
    assert first == second
    assert other["sha256"]["train"] != first["sha256"]["train"]
    assert other["sha256"]["test"] == first["sha256"]["test"]


def test_shares_are_kept(task: Task, valid: Path, tmp_path: Path) -> None:
    card = augment(PROJECT, task, params(typo=0.25, case=1.0), valid, tmp_path / "out")
    assert 30 <= card["chosen"]["typo"] <= 70
    assert card["chosen"]["case"] == 200
    assert card["chosen"]["swap"] == card["edits"]["swap"] == 0


def test_card_counts_what_was_made_and_what_was_not(
    task: Task, valid: Path, tmp_path: Path
) -> None:
    card = augment(PROJECT, task, params(**dict.fromkeys(NAMES, 1.0)), valid, tmp_path / "out")
    assert card == read_card(tmp_path / "out")
    assert card["data"] == "d" * 64
    made = Counter(row["edit"] for row in read_examples(tmp_path / "out", "train") if row["edit"])
    assert card["edits"] == made
    assert set(card["dropped"]) == {"unchanged", "near_copy", "duplicate"}
    assert sum(card["chosen"].values()) == made.total() + sum(card["dropped"].values())
    assert card["rows"] == {"train": 200 + made.total(), "validation": 20, "test": 20}


def test_reasons_of_copies_not_made_are_told_apart(
    task: Task, rows: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    texts = ("123", "hello", "HELLO", "Hello", "why")
    for row, text in zip(rows["train"], texts, strict=False):
        row["text"] = text
    rows["train"] = rows["train"][: len(texts)]
    rows["test"][0]["text"] = "Why"
    card = augment(
        PROJECT, task, params(case=1.0), write_valid(tmp_path / "valid", rows), tmp_path / "out"
    )
    # no letters; why becomes Why or WHY, which is near Why; hello, HELLO and Hello become one
    # another or hELLO
    assert card["dropped"]["unchanged"] == 1
    assert card["dropped"]["near_copy"] == 1
    assert card["dropped"]["duplicate"] >= 1
    assert sum(card["dropped"].values()) + card["edits"]["case"] == len(texts)


def test_no_edits_leave_the_rows_as_they_came(task: Task, valid: Path, tmp_path: Path) -> None:
    card = augment(PROJECT, task, params(), valid, tmp_path / "out")
    assert sum(card["edits"].values()) == 0
    rows = read_examples(tmp_path / "out", "train")
    assert [row["text"] for row in rows] == [row["text"] for row in read_examples(valid, "train")]


def test_users_lexicon_is_used(task: Task, valid: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"invoice": ["factura"]}', encoding="utf-8")
    own = params(synonym=1.0, lexicon=str(tmp_path / "mine.json"))
    augment(PROJECT, task, own, valid, tmp_path / "out")
    copies = [row for row in read_examples(tmp_path / "out", "train") if row["edit"]]
    assert copies
    assert all("factura" in row["text"] for row in copies)


def test_broken_lexicon_leaves_nothing_behind(task: Task, valid: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"none.json cannot be read"):
        augment(PROJECT, task, params(lexicon="none.json"), valid, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_altered_examples_are_refused(task: Task, valid: Path, tmp_path: Path) -> None:
    (valid / "train.parquet").write_bytes((valid / "test.parquet").read_bytes())
    with pytest.raises(IntegrityError, match=r"train.parquet is not the file"):
        augment(PROJECT, task, params(), valid, tmp_path / "out")
