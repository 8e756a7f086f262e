"""In: toy rows. Out: proof that each unusable one is rejected for its own reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from components.params import ValidationParams
from components.schema import SPLITS
from components.tasks.base import Task
from components.validation.rejection import REASONS
from tests.components.validation.conftest import Stream

Row = dict[str, Any]
Thresholds = Callable[..., ValidationParams]
MakeRow = Callable[..., Row]


@pytest.fixture
def reasons(
    task: Task, thresholds: Thresholds, stream: Stream
) -> Callable[[Sequence[Row]], dict[str, str]]:
    """Return the reason of every rejected row by its id."""

    def run(rows: Sequence[Row]) -> dict[str, str]:
        splits = {split: [one for one in rows if one["split"] == split] for split in SPLITS}
        sifted = stream(task, thresholds(), splits)
        kept = [one["id"] for split in SPLITS for one in sifted.kept[split]]
        found = {one["id"]: reason for one, reason in sifted.rejected}
        assert sorted([*kept, *found]) == sorted(one["id"] for one in rows)
        assert set(found.values()) <= set(REASONS)
        return found

    return run


Reasons = Callable[[Sequence[Row]], dict[str, str]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": None}, "missing_label"),
        ({"label": ""}, "missing_label"),
        ({"label": "refnud"}, "unknown_label"),
        ({"text": ""}, "empty_text"),
        ({"text": None}, "empty_text"),
        ({"text": " \n\t "}, "empty_text"),
        ({"text": "a\x00bcd"}, "control_characters"),
        ({"text": "caf\ufffd au lait"}, "control_characters"),
        ({"text": "a\x9fbcd"}, "control_characters"),
        ({"text": "  hm  "}, "too_short"),
        ({"text": "x" * 41}, "too_long"),
    ],
)
def test_a_row_is_rejected_for_what_is_wrong_with_it(
    reasons: Reasons, row: MakeRow, changes: Row, reason: str
) -> None:
    assert reasons([row("train", "bad", **changes), row("train", "good")]) == {
        "id train bad": reason
    }


@pytest.mark.parametrize("text", ["hm!", "x" * 40, "tab\tand\r\nline", "naïve 🙂 日本"])
def test_usable_texts_are_kept(reasons: Reasons, row: MakeRow, text: str) -> None:
    assert reasons([row("train", "a", text=text)]) == {}


def test_a_text_stays_in_test_before_validation_before_train(
    reasons: Reasons, row: MakeRow
) -> None:
    rows = [
        row(split, "a", text=text)
        for split, text in (
            ("train", "Same  text"),
            ("validation", "same text"),
            ("test", "SAME text\n"),
        )
    ]
    assert reasons(rows) == {"id train a": "duplicate_text", "id validation a": "duplicate_text"}
    assert reasons(rows[:2]) == {"id train a": "duplicate_text"}


def test_which_copy_stays_does_not_depend_on_row_order(reasons: Reasons, row: MakeRow) -> None:
    rows = [row("train", name, text="same text") for name in "abc"]
    expected = {"id train b": "duplicate_text", "id train c": "duplicate_text"}
    assert reasons(rows) == reasons(rows[::-1]) == expected


def test_a_training_copy_with_another_label_than_the_test_row_is_in_conflict(
    reasons: Reasons, row: MakeRow
) -> None:
    rows = [
        row("test", "a", text="same text"),
        row("train", "b", text="same text", label="refund"),
        row("train", "c", text="same text"),
    ]
    assert reasons(rows) == {"id train b": "conflicting_label", "id train c": "duplicate_text"}


def test_when_copies_in_one_split_disagree_none_is_kept(reasons: Reasons, row: MakeRow) -> None:
    rows = [
        row("validation", "a", text="same text"),
        row("validation", "b", text="same text", label="refund"),
        row("train", "c", text="same text"),
    ]
    assert reasons(rows) == dict.fromkeys((one["id"] for one in rows), "conflicting_label")


def test_an_unusable_copy_takes_no_place(reasons: Reasons, row: MakeRow) -> None:
    rows = [row("test", "a", text="same", label="oops"), row("train", "b", text="same")]
    assert reasons(rows) == {"id test a": "unknown_label"}


def test_a_group_of_the_test_split_is_not_trained_on(reasons: Reasons, row: MakeRow) -> None:
    rows = [
        row("test", "a", group="c1"),
        row("train", "b", group="c1"),
        row("validation", "c", group="c2"),
        row("train", "d", group="c2"),
        row("train", "e", group="c3"),
    ]
    assert reasons(rows) == {"id train b": "group_held_out", "id train d": "group_held_out"}


@pytest.mark.parametrize(
    "text",
    ["Where is it?!", "where - is   it", "WHERE IS IT", "\uff37here is it", "where is\u200b it"],
)
def test_a_variant_of_a_held_out_text_is_not_learned_from(
    reasons: Reasons, row: MakeRow, text: str
) -> None:
    rows = [row("test", "a", text="Where is it?"), row("train", "b", text=text, label="login")]
    assert reasons(rows) == {"id train b": "variant_held_out"}


def test_variants_within_a_split_stay(reasons: Reasons, row: MakeRow) -> None:
    rows = [row("train", "a", text="Where is it?"), row("train", "b", text="Where is it!")]
    assert reasons(rows) == {}


def test_texts_that_differ_in_a_number_or_a_sign_are_no_variants(
    reasons: Reasons, row: MakeRow
) -> None:
    texts = ["it cost $5", "it cost €5", "it cost 5", "it cost 15"]
    rows = [row("test", "a", text=texts[0])]
    rows += [row("train", text, text=text) for text in texts[1:]]
    assert reasons(rows) == {}
