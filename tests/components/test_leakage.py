"""In: splits with copies planted in training. Out: proof that they are found, and nothing else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.errors import DataError
from components.leakage import leakage
from components.records import write_split
from components.schema import example_schema
from components.tasks.base import Task

Row = dict[str, Any]
Edit = Callable[[str, random.Random], str]
SCHEMA = example_schema({"text": "string", "label": "string"}, [], augmented=True)
PLANTED = 50


def make_words(count: int) -> list[str]:
    rng = random.Random(1)
    return ["".join(rng.choices("etaoinshrdlucm", k=rng.randint(2, 9))) for _ in range(count)]


WORDS = make_words(2_000)
# As in a language, a few words are everywhere.
WEIGHTS = [1 / (rank + 1) for rank in range(len(WORDS))]


def sentences(count: int, seed: int) -> list[str]:
    """Return texts of 6 to 15 words."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, WEIGHTS, k=rng.randint(6, 15))) for _ in range(count)]


def row(split: str, index: int, text: str, parent: str | None = None) -> Row:
    name = f"{split}-{index}"
    return {
        "id": name,
        "group": name,
        "split": split,
        "source_row": index,
        "text": text,
        "label": "track",
        "parent_id": parent,
        "edit": parent and "typo",
    }


def rows(split: str, texts: Sequence[str]) -> list[Row]:
    return [row(split, index, text) for index, text in enumerate(texts)]


@pytest.fixture
def count(task: Task, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Count what training and validation rows give away of the test rows."""

    def run(
        test: Sequence[Row], train: Sequence[Row], validation: Sequence[Row] = ()
    ) -> dict[str, Any]:
        write_split(tmp_path, "train", pa.Table.from_pylist(list(train), schema=SCHEMA))
        write_split(tmp_path, "validation", pa.Table.from_pylist(list(validation), schema=SCHEMA))
        return leakage(task, test, tmp_path)

    return run


Count = Callable[..., dict[str, Any]]
TEST = sentences(400, seed=2)
CLEAN = sentences(2_000, seed=3)


def figures(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["exact"], found["variants"], found["children"], found["near"]


def replaced(text: str, rng: random.Random) -> str:
    words = text.split()
    words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


def left_out(text: str, rng: random.Random) -> str:
    words = text.split()
    del words[rng.randrange(len(words))]
    return " ".join(words)


def added(text: str, rng: random.Random) -> str:
    words = text.split()
    words.insert(rng.randrange(len(words)), rng.choice(WORDS))
    return " ".join(words)


def mistyped(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + rng.choice("abcdefgh") + text[at + 1 :]


def swapped(text: str, rng: random.Random) -> str:
    words = text.split()
    at = rng.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def test_nothing_is_found_in_clean_data(count: Count) -> None:
    found = count(rows("test", TEST), rows("train", CLEAN), rows("validation", sentences(300, 4)))
    assert figures(found) == (0, 0, 0, 0)
    assert found["near_share"] == 0
    assert found["examples"] == []


def test_every_exact_copy_is_found(count: Count) -> None:
    found = count(rows("test", TEST), rows("train", TEST[:PLANTED] + CLEAN))
    assert figures(found) == (PLANTED, 0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda text: text + "?!",
        lambda text: text.replace(" ", "  ") + "\n",
        lambda text: text.replace(" ", ", ", 1),
        lambda text: "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in text),
        lambda text: text[:3] + "\u200b" + text[3:],
    ],
    ids=["upper", "title", "marks", "spaces", "comma", "full width", "zero width"],
)
def test_every_variant_is_found(count: Count, change: Callable[[str], str]) -> None:
    planted = [change(text) for text in TEST[:PLANTED]]
    found = count(rows("test", TEST), rows("train", planted + CLEAN))
    assert figures(found) == (0, PLANTED, 0, 0)


def test_every_child_is_found_whatever_became_of_its_text(count: Count) -> None:
    train = rows("train", CLEAN)
    for index in range(PLANTED):
        train[index]["parent_id"] = f"test-{index}"
    assert figures(count(rows("test", TEST), train)) == (0, 0, PLANTED, 0)


@pytest.mark.parametrize("edit", [replaced, left_out, added, mistyped, swapped])
def test_of_fifty_edits_of_a_word_at_least_forty_five_are_found(count: Count, edit: Edit) -> None:
    rng = random.Random(5)
    planted = [edit(text, rng) for text in TEST[:PLANTED]]
    found = count(rows("test", TEST), rows("train", planted + CLEAN))
    assert sum(figures(found)) >= 45
    assert found["near_share"] == found["near"] / len(TEST)


def test_validation_rows_count_as_well_as_training_rows(count: Count) -> None:
    found = count(rows("test", TEST), rows("train", CLEAN), rows("validation", TEST[:3]))
    assert figures(found) == (3, 0, 0, 0)


def test_a_test_example_counts_once_under_the_gravest_kind(count: Count) -> None:
    text = TEST[0]
    train = [
        row("train", 0, replaced(text, random.Random(1))),
        row("train", 1, "of the same row", parent="test-0"),
        row("train", 2, text + "!"),
        row("train", 3, text),
    ]
    assert figures(count(rows("test", TEST), train[:1])) == (0, 0, 0, 1)
    assert figures(count(rows("test", TEST), train[:2])) == (0, 0, 1, 0)
    assert figures(count(rows("test", TEST), train[:3])) == (0, 1, 0, 0)
    assert figures(count(rows("test", TEST), train)) == (1, 0, 0, 0)


def test_copies_of_other_training_rows_are_no_children(count: Count) -> None:
    train = [*rows("train", CLEAN), row("train", 9_999, "another text", parent="train-3")]
    assert figures(count(rows("test", TEST), train)) == (0, 0, 0, 0)


def test_examples_name_both_rows_the_gravest_first_and_no_text(count: Count) -> None:
    train = rows("train", [replaced(text, random.Random(6)) for text in TEST[1:40]])
    train.append(row("train", 77, TEST[0]))
    found = count(rows("test", TEST), train)
    assert len(found["examples"]) == 20
    first, second, *_ = found["examples"]
    assert first == {"test": "test-0", "train": "train-77", "kind": "exact", "similarity": 1.0}
    assert (second["test"], second["train"], second["kind"]) == ("test-1", "train-0", "near")
    assert 0.4 < second["similarity"] < 1


def test_a_missing_split_is_no_pass(task: Task, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.parquet cannot be read"):
        leakage(task, rows("test", TEST), tmp_path)


def test_thousands_of_rows_take_seconds(count: Count) -> None:
    test, train = rows("test", sentences(1_000, 7)), rows("train", sentences(5_000, 8))
    started = time.process_time()
    assert figures(count(test, train)) == (0, 0, 0, 0)
    assert time.process_time() - started < 6
