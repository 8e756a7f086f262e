"""In: rows of tasks that have edits of their own. Out: the laws of their copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.answering import canonical
from components.augmentation import augment
from components.records import read_examples
from components.schema import SPLITS
from components.spans import Span, write_spans
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.ner import Options as NerOptions
from components.tasks.qa import Options as QaOptions
from tests.components.augmentation.made import PROJECT, params, whole, write_valid

Rows = dict[str, list[dict[str, Any]]]
PEOPLE = {
    "train": ("Ada", "Grace Hopper", "Alan"),
    "validation": ("Edsger",),
    "test": ("Donald", "Barbara Liskov"),
}
OPENINGS = ("Please write to", "We have not seen", "Where is", "The parcel is for")


def told(opening: str, person: str, number: int) -> dict[str, str]:
    span = Span(len(opening) + 1, len(opening) + 1 + len(person), "person")
    return {
        "text": f"{opening} {person} about order {number}.",
        "entities": write_spans([span]),
    }


@pytest.fixture
def ner() -> Task:
    return load_task(
        NerOptions(kind="ner", labels=("person",), window_overlap=0, mark_capitals=False)
    )


@pytest.fixture
def rows() -> Rows:
    return {
        split: [
            whole(split, n, told(OPENINGS[n % 4], people[n % len(people)], 7919 * n))
            for n in range(60 if split == "train" else 12)
        ]
        for split, people in PEOPLE.items()
    }


def copies(task: Task, rows: Rows, folder: Path, **shares: float) -> list[dict[str, Any]]:
    columns = list(task.columns)
    valid = write_valid(folder / "valid", rows, columns)
    augment(PROJECT, task, params(**shares), valid, folder / "out")
    return [dict(row) for row in read_examples(folder / "out", "train") if row["edit"]]


def people_of(row: dict[str, Any]) -> list[str]:
    return [row["text"][span["start"] : span["end"]] for span in json.loads(row["entities"])]


def test_entities_come_from_training_rows_alone(ner: Task, rows: Rows, tmp_path: Path) -> None:
    parents = {row["id"]: row for row in rows["train"]}
    made = copies(ner, rows, tmp_path, entity=1.0)
    assert len(made) > 40
    for row in made:
        assert set(people_of(row)) <= set(PEOPLE["train"])
        assert people_of(row) != people_of(parents[row["parent_id"]])
        assert row["id"] == f"{row['parent_id']}+entity"
        assert ner.reject(row) is None


def test_contexts_lose_or_move_sentences_and_keep_their_answers(tmp_path: Path) -> None:
    task = load_task(QaOptions.example())
    spare = ("Rain fell in May.", "Snow fell in June.", "No one came.")
    rows = {
        split: [
            whole(
                split,
                n,
                {
                    "question": f"Who wrote paper {n}?",
                    "context": f"{spare[0]} {split} {n} is by Ada. {spare[1]} {spare[2]}",
                    "answers": canonical([(len(f"{spare[0]} {split} {n} is by "), "Ada")]),
                },
            )
            for n in range(40 if split == "train" else 4)
        ]
        for split in SPLITS
    }
    made = copies(task, rows, tmp_path, context=1.0)
    parents = {row["id"]: row for row in rows["train"]}
    assert len(made) > 30
    for row in made:
        parent = parents[row["parent_id"]]
        assert (row["id"], row["edit"]) == (f"{parent['id']}+context", "context")
        assert row["context"] != parent["context"]
        assert row["question"] == parent["question"]
        assert task.truth(row) == "Ada"
        assert task.reject(row) is None


def test_entity_copies_do_not_depend_on_row_order(ner: Task, rows: Rows, tmp_path: Path) -> None:
    straight = copies(ner, rows, tmp_path / "a", entity=0.5)
    rows["train"].reverse()
    assert copies(ner, rows, tmp_path / "b", entity=0.5) == straight


def test_an_edit_that_is_off_leaves_no_trace(ner: Task, rows: Rows, tmp_path: Path) -> None:
    valid = write_valid(tmp_path / "valid", rows, list(ner.columns))
    card = augment(PROJECT, ner, params(typo=0.5), valid, tmp_path / "out")
    assert "entity" not in card["edits"]
    assert "entity" not in card["chosen"]


def test_held_out_rows_stay_under_own_edits(ner: Task, rows: Rows, tmp_path: Path) -> None:
    copies(ner, rows, tmp_path, entity=1.0)
    for split in SPLITS[1:]:
        found = read_examples(tmp_path / "out", split)
        assert found == [{**row, "parent_id": None, "edit": None} for row in rows[split]]
