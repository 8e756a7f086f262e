"""In: a user's own rules. Out: proof that they enforce, and what cannot be asked is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError, ParamsError
from components.params import ValidationParams
from components.params.load import read_tree
from components.tasks.base import Task
from components.validation import validate
from components.validation.own import own_rules, write_suite
from components.validation.rules import ROWS, Rule, columns, frames, rules
from tests.components.validation.conftest import MakeRow, Row, Stream, good_rows

Thresholds = Callable[..., ValidationParams]
Run = Callable[..., dict[str, Any]]
FORM = """
  - name: no text is a form letter
    frame: rows
    expectation: ExpectColumnValuesToNotMatchRegex
    arguments: {column: text, regex: "^Dear"}
"""


@pytest.fixture
def run(task: Task, thresholds: Thresholds, raw_folder: Callable[..., Path], tmp_path: Path) -> Run:
    """Validate rows against rules of the user's own."""

    def go(own: str, rows: list[Row]) -> dict[str, Any]:
        suite = tmp_path / "mine.yaml"
        suite.write_text(f"rules:{own}")
        params = thresholds(suite=str(suite))
        places = raw_folder(rows), tmp_path / "valid", tmp_path / "report"
        return validate(task, params, ["channel"], *places)

    return go


def test_rules_of_the_users_own_enforce_and_are_told_like_all_others(
    run: Run, good: list[Row], row: MakeRow, tmp_path: Path
) -> None:
    own = (
        FORM
        + """
  - {name: mail is not chat, frame: rows, expectation: ExpectColumnValuesToBeInSet,
     arguments: {column: slice_channel, value_set: [mail]}}
  - {name: at most two rows, frame: totals, expectation: ExpectColumnMaxToBeBetween,
     arguments: {column: accepted, max_value: 2}}
  - {name: labels begin with r, frame: labels, expectation: ExpectColumnValuesToMatchRegex,
     arguments: {column: label, regex: ^r}}
  - {name: few rows of a label in train, frame: labels, expectation: ExpectColumnMaxToBeBetween,
     arguments: {column: train, max_value: 4}}
  - {name: group and text tell rows apart, frame: rows,
     expectation: ExpectCompoundColumnsToBeUnique, arguments: {column_list: [group, text]}}
  - {name: a channel is named, frame: rows, expectation: ExpectColumnValuesToNotBeNull,
     arguments: {column: slice_channel, mostly: 0.5}}
"""
    )
    bad = row("train", "x", text="Dear customer", slice_channel=None)
    with pytest.raises(DataError) as caught:
        run(own, [*good, bad])
    told = str(caught.value)
    assert "breaks 5 rules: no text is a form letter: no, 1 row, such as Dear customer" in told
    assert "(regex ^Dear)" in told
    assert "mail is not chat: no, 36 rows, such as web (must be among mail)" in told
    assert "at most two rows: no, found 37 (at most 2)" in told
    assert "labels begin with r: no, 2 rows, such as track, login (regex ^r)" in told
    assert "few rows of a label in train: no, track 5 (at most 4)" in told
    assert f"or {tmp_path / 'mine.yaml'}; every rule" in told
    result = json.loads((tmp_path / "report" / "result.json").read_text())
    assert [rule["rule"] for rule in result["rules"][-2:]] == [
        "group and text tell rows apart",
        "a channel is named",
    ]
    assert all(rule["success"] for rule in result["rules"][-2:])
    start = (tmp_path / "report" / "index.html").read_text()
    assert "no text is a form letter" in start
    docs = (tmp_path / "report" / "expectations" / "rows.html").read_text()
    assert "^Dear" in docs


def test_the_suite_as_it_was_used_can_be_read_again(
    run: Run, task: Task, thresholds: Thresholds, good: list[Row], tmp_path: Path
) -> None:
    run(FORM, good)
    written = tmp_path / "report" / "suite.yaml"
    asked = rules(task, thresholds(), ["channel"])
    assert [one["name"] for one in read_tree(written)["rules"]] == [
        *(rule.name for rule in asked),
        "no text is a form letter",
    ]
    again = own_rules(written, columns(task, ["channel"]), [])
    plain = [(one.name, one.frame, one.expectation, dict(one.options)) for one in again]
    assert plain[:-1] == [(r.name, r.frame, r.expectation, dict(r.options)) for r in asked]


def entry(**changes: Any) -> Rule:
    values: dict[str, Any] = {
        "name": "mine",
        "frame": ROWS,
        "expectation": "ExpectColumnValuesToNotMatchRegex",
        "options": {"column": "text", "regex": "x"},
    }
    return Rule(**values | changes)


@pytest.mark.parametrize(
    ("mistaken", "message"),
    [
        (
            [entry(expectation="ExpectColumnValueToNotMatchRegex")],
            r"rules\.0\.expectation: there is none of this name, found "
            r"'ExpectColumnValueToNotMatchRegex' \(did you mean ExpectColumnValuesToNotMatchRegex",
        ),
        (
            [entry(options={"column": "txt", "regex": "x"})],
            r"arguments\.column: rows has no such column, found 'txt' \(did you mean text\?\)",
        ),
        (
            [entry(options={"column": "text", "regx": "x"})],
            r"2 mistakes\n.*regex: missing; .* needs it\n.*regx: .* none such \(did you mean regex",
        ),
        (
            [entry(options={"column": "text", "regex": "("})],
            r"arguments\.regex: is no regular expression \(missing \), .*found '\('",
        ),
        (
            [entry(options={"column": "text", "regex": "x", "mostly": 2})],
            r"arguments\.mostly: ensure this value is less than or equal to 1\.0, found 2",
        ),
        (
            [entry(options={"column": "text", "regex": "x", "severity": "warning"})],
            r"arguments\.severity: is not the user's to set \(every rule enforces\)",
        ),
        (
            [entry(expectation="ExpectColumnValuesToBeBetween", options={"column": "characters"})],
            r"rules\.0\.arguments: min_value and max_value cannot both be None",
        ),
        (
            [entry(expectation="ExpectColumnValuesToBeIncreasing", options={"column": "id"})],
            r"rules\.0\.expectation: cannot be asked of rows, .* found 'ExpectColumnValuesToBeInc",
        ),
        (
            [entry(expectation="ExpectTableRowCountToEqualOtherTable", options={})],
            r"rules\.0\.expectation: there is none of this name",
        ),
        ([entry(), entry()], r"rules\.1\.name: stands twice, found 'mine'"),
        ([entry(name="ids are unique")], "name: is that of a rule that is always there"),
        ([entry(frame="row")], r"rules\.0\.frame: input should be 'rows', 'labels' or 'totals'"),
        ([entry(name="")], r"rules\.0\.name: string should have at least 1 character"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_told_with_its_cure(
    task: Task, thresholds: Thresholds, tmp_path: Path, mistaken: list[Rule], message: str
) -> None:
    path = tmp_path / "suite.yaml"
    write_suite(path, mistaken)
    with pytest.raises(ParamsError, match=message) as caught:
        own_rules(path, columns(task, ["channel"]), rules(task, thresholds(), ["channel"]))
    assert caught.value.cure == f"mend {path} and run again"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "is not valid YAML: .* at line 1"),
        ("", "expected sections, found an empty file"),
        ("rule: []", r"rule: unknown field \(did you mean rules\?\)"),
        ("rules:\n  - name: x\n    nam: y\n", r"rules\.0\.frame: missing"),
    ],
)
def test_a_suite_that_cannot_be_read_is_told_by_its_place(
    task: Task, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=message) as caught:
        own_rules(path, columns(task, []), [])
    assert str(path) in caught.value.what


def test_the_suite_that_is_shipped_adds_nothing(task: Task, root: Path) -> None:
    assert own_rules(root / "validation" / "suite.yaml", columns(task, []), []) == []


def test_columns_are_those_of_the_frames(task: Task, stream: Stream) -> None:
    kept = {s: [r for r in good_rows() if r["split"] == s] for s in ("train", "validation", "test")}
    found = stream(task, None, kept)
    made = frames(task, found.accepted, found.sieve)
    named = columns(task, ["channel"])
    assert set(named[ROWS]) == set(made.pop("columns").columns)
    assert {name: list(frame.columns) for name, frame in made.items()} == {
        name: there for name, there in named.items() if name != ROWS
    }
