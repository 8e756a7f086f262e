"""In: rows, and two small translation models. Out: the laws of copies that were there and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.augmentation import Models, augment
from components.augmentation.asked import backtranslated
from components.inference.translation import Translator
from components.params import AugmentationParams
from components.records import read_card, read_examples
from components.schema import SPLITS
from components.tasks.base import Task
from tests.components.augmentation.made import PROJECT, params, whole, write_valid
from tests.models import BACK, PAIRS, digests, sayings

Folders = tuple[Path, Path]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def models(tiny_translators: Folders) -> Models:
    there, back = (Translator(folder, (), "", 1) for folder in tiny_translators)
    return Models(translate=(there, back))


@pytest.fixture(scope="module")
def section(tiny_translators: Folders) -> AugmentationParams:
    there, back = (
        {"source": f"path:{folder}", "sha256": digests(folder), "prefix": ""}
        for folder in tiny_translators
    )
    translators = {"there": there, "back": back, "beams": 1}
    tree = params(near=1.0, backtranslation=1.0).model_dump(mode="json")
    return AugmentationParams.model_validate(tree | {"translators": translators})


@pytest.fixture
def rows(task: Task) -> Rows:
    train = [{"text": text, "label": task.labels[n % 3]} for n, text in enumerate(sayings())]
    held_out = [{"text": f"where is it {n}", "label": task.labels[0]} for n in range(2)]
    each = {"train": train, "validation": held_out, "test": held_out}
    return {s: [whole(s, n, row) for n, row in enumerate(each[s])] for s in SPLITS}


def there_and_back(text: str) -> str:
    return " ".join(BACK[PAIRS[word]] for word in text.split())


def test_copies_say_it_in_the_words_that_came_back(
    task: Task, rows: Rows, models: Models, section: AugmentationParams, tmp_path: Path
) -> None:
    valid = write_valid(tmp_path / "valid", rows)
    augment(PROJECT, task, section, valid, tmp_path / "out", models)
    copies = [row for row in read_examples(tmp_path / "out", "train") if row["edit"]]
    card = read_card(tmp_path / "out")
    # All that comes back differently is one of the texts already.
    assert copies == []
    assert card["dropped"]["duplicate"] > 10
    assert card["dropped"]["unchanged"] > 10

    kept = [row for row in rows["train"] if "misplaced" in row["text"]]
    valid = write_valid(tmp_path / "few", {**rows, "train": kept})
    augment(PROJECT, task, section, valid, tmp_path / "few_out", models)
    found = read_examples(tmp_path / "few_out", "train")
    parents = {row["id"]: row for row in found}
    copies = [row for row in found if row["edit"]]
    assert len(copies) > 5
    for copy in copies:
        parent = parents[copy["parent_id"]]
        assert copy["text"] == there_and_back(parent["text"]) != parent["text"]
        assert copy["id"] == f"{parent['id']}+backtranslation"
        assert (copy["edit"], copy["label"]) == ("backtranslation", parent["label"])


def test_a_text_that_loses_a_negation_is_not_altered(task: Task, models: Models) -> None:
    assert models.translate is not None
    alter = backtranslated(task, *models.translate)
    texts = [text for text in sayings() if "hardly" in text]
    never = [text for text in sayings() if "never misplaced" in text]
    assert all("often" in there_and_back(text) for text in texts)
    found = alter([{"text": text, "label": "track"} for text in texts + never], [])
    assert found[: len(texts)] == [None] * len(texts)
    assert [row and row["text"] for row in found[len(texts) :]] == [
        there_and_back(text) for text in never
    ]


@pytest.mark.parametrize(
    ("text", "back", "says"),
    [
        ("where is it", "where it is", True),
        ("where is it", "where is it", False),
        ("where is it", "", False),
        ("where is it", " ", False),
        ("it is not here", "it is here", False),
        ("it is here", "it is not here", False),
        ("I can't come", "I cannot come", True),
        ("where is it", "where " * 20, False),
    ],
)
def test_what_comes_back_must_say_the_same(task: Task, text: str, back: str, says: bool) -> None:
    alter = backtranslated(task, list, lambda texts: [back for _ in texts])
    (found,) = alter([{"text": text, "label": "track"}], [])
    assert found == ({"text": back, "label": "track"} if says else None)
