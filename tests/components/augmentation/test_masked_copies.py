"""In: rows, and a small masked language model. Out: the laws of copies with words of its choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.augmentation import Models, augment
from components.inference.guesses import WordGuesser
from components.params import AugmentationParams
from components.records import read_card, read_examples
from components.schema import SPLITS
from components.spans import Span, read_spans, write_spans
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.ner import Options as NerOptions
from components.tasks.qa import Options as QaOptions
from tests.components.augmentation.made import PROJECT, params, whole, write_valid
from tests.models import THINGS, VERBS, digests

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def models(tiny_guesser: Path) -> Models:
    return Models(guess=WordGuesser(tiny_guesser))


def section(folder: Path, share: float) -> AugmentationParams:
    model = {"source": f"path:{folder}", "sha256": digests(folder)}
    tree = params(masked=share).model_dump(mode="json") | {"masked_model": model}
    return AugmentationParams.model_validate(tree)


@pytest.fixture
def rows(task: Task) -> Rows:
    def row(split: str, n: int) -> dict[str, str]:
        verb, thing = VERBS[n % 4], THINGS[n // 4 % 4]
        return {"text": f"i {verb} my {thing} . {split[:2]} {n}", "label": task.labels[n % 3]}

    return {s: [whole(s, n, row(s, n)) for n in range(48 if s == "train" else 4)] for s in SPLITS}


def test_copies_have_words_that_are_likely_there(
    task: Task, rows: Rows, models: Models, tiny_guesser: Path, tmp_path: Path
) -> None:
    valid = write_valid(tmp_path / "valid", rows)
    augment(PROJECT, task, section(tiny_guesser, 1.0), valid, tmp_path / "out", models)
    found = read_examples(tmp_path / "out", "train")
    parents = {row["id"]: row["text"].split() for row in found}
    copies = [row for row in found if row["edit"]]
    assert len(copies) > 20
    for row in copies:
        assert (row["edit"], row["id"]) == ("masked", f"{row['parent_id']}+masked")
        before, after = parents[row["parent_id"]], row["text"].split()
        assert (after[0], after[2], after[4], after[5:]) == ("i", "my", ".", before[5:])
        assert after[1:4:2] != before[1:4:2]
        # The model was trained for a second; what it finds likely is mostly what it was told.
    likely = [
        row["text"].split()[1] in VERBS and row["text"].split()[3] in THINGS for row in copies
    ]
    assert sum(likely) > 0.8 * len(copies)


def test_copies_are_the_same_in_any_row_order(
    task: Task, rows: Rows, models: Models, tiny_guesser: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        valid = write_valid(tmp_path / name / "valid", rows)
        augment(PROJECT, task, section(tiny_guesser, 0.5), valid, tmp_path / name / "out", models)
        rows["train"].reverse()
    one, other = (
        [row for row in read_examples(tmp_path / name / "out", "train") if row["edit"]]
        for name in ("a", "b")
    )
    assert one == other != []


def test_entities_neither_go_nor_come(models: Models, tiny_guesser: Path, tmp_path: Path) -> None:
    task = load_task(
        NerOptions(kind="ner", labels=("thing",), window_overlap=0, mark_capitals=False)
    )

    def row(split: str, n: int) -> dict[str, str]:
        text = f"i {VERBS[n % 4]} my {'card' if n % 2 else 'parcel'} . {split} {n}"
        start = text.index("my") + 3
        spans = [Span(start, start + len(text.split()[3]), "thing")]
        return {"text": text, "entities": write_spans(spans)}

    rows = {s: [whole(s, n, row(s, n)) for n in range(40 if s == "train" else 4)] for s in SPLITS}
    valid = write_valid(tmp_path / "valid", rows, list(task.columns))
    augment(PROJECT, task, section(tiny_guesser, 1.0), valid, tmp_path / "out", models)
    found = read_examples(tmp_path / "out", "train")
    parents = {row["id"]: row for row in found}
    copies = [row for row in found if row["edit"]]
    assert len(copies) > 10
    for copy in copies:
        (span,), text = read_spans(copy["entities"]), copy["text"]
        assert text[span.start : span.end] == parents[copy["parent_id"]]["text"].split()[3]
        assert {"card", "parcel"} & set(text.split()) == {text[span.start : span.end]}


def test_words_of_an_answer_stay_in_the_question() -> None:
    task = load_task(QaOptions.example())
    row = dict(task.samples()[0]) | {"question": "Where is the reykjavik parcel?"}
    assert [row["question"][start:end] for start, end in task.kept(row)] == ["reykjavik"]


def test_the_card_counts_rows_in_which_nothing_could_stand(
    task: Task, rows: Rows, models: Models, tiny_guesser: Path, tmp_path: Path
) -> None:
    rows["train"][0]["text"] = "a b 12"
    valid = write_valid(tmp_path / "valid", rows)
    augment(PROJECT, task, section(tiny_guesser, 1.0), valid, tmp_path / "out", models)
    card = read_card(tmp_path / "out")
    assert card["chosen"]["masked"] == 48
    assert card["dropped"]["unchanged"] >= 1
    assert card["edits"]["masked"] + sum(card["dropped"].values()) == 48


def test_an_edit_whose_model_nobody_opened_is_not_passed_over(
    task: Task, rows: Rows, tiny_guesser: Path, tmp_path: Path
) -> None:
    valid = write_valid(tmp_path / "valid", rows)
    with pytest.raises(ValueError, match=r"whose model was not opened"):
        augment(PROJECT, task, section(tiny_guesser, 0.5), valid, tmp_path / "out")
    assert not (tmp_path / "out").exists()
