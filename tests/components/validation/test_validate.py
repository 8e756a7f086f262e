"""In: toy data, good and bad. Out: proof that each hard rule enforces and the report opens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from components.errors import DataError
from components.params import ValidationParams
from components.params.sections import RowsPerSplit
from components.records import read_card, read_examples, split_path
from components.tasks.base import Task
from components.validation import validate

Row = dict[str, Any]
Run = Callable[..., dict[str, Any]]
MakeRow = Callable[..., Row]


@pytest.fixture
def run(
    task: Task,
    thresholds: Callable[..., ValidationParams],
    raw_folder: Callable[..., Path],
    tmp_path: Path,
) -> Run:
    """Validate rows; the folders `valid` and `report` lie in tmp_path."""

    def go(rows: Sequence[Row], without: str = "", **changes: Any) -> dict[str, Any]:
        raw = raw_folder(rows, without)
        valid, report = tmp_path / "valid", tmp_path / "report"
        return validate(task, thresholds(**changes), ["channel"], raw, valid, report)

    return go


def test_good_rows_pass_and_bad_ones_are_kept_apart(
    run: Run, good: list[Row], row: MakeRow, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = row("train", "y", id="zzz", text="QUESTION track 0 of train")
    bad = [row("train", "x", text=""), copy]
    card = run([*good, *bad])
    assert capfd.readouterr() == ("", ""), "the library must not write to the terminal"
    assert card == read_card(tmp_path / "valid")
    assert (card["rows"], card["accepted"], card["rejected"]) == (38, 36, 2)
    assert card["reasons"] == {"empty_text": 1, "duplicate_text": 1}
    assert card["data"] == read_card(tmp_path / "raw")["data"]
    assert card["licence"] == "CC0-1.0"
    kept = read_examples(tmp_path / "valid", "train")
    assert kept == [one for one in good if one["split"] == "train"]
    schema = pq.read_schema(split_path(tmp_path / "valid", "train"))
    assert schema.equals(pq.read_schema(split_path(tmp_path / "raw", "train")))
    rejects = pq.read_table(tmp_path / "valid" / "rejects.parquet").to_pylist()
    assert [(one["id"], one["reason"]) for one in rejects] == [
        ("id train x", "empty_text"),
        ("zzz", "duplicate_text"),
    ]


def test_the_report_names_every_rule_and_needs_no_network(
    run: Run, good: list[Row], row: MakeRow, tmp_path: Path
) -> None:
    run([*good, row("train", "x", text="<script>alert(1)</script>\x00")])
    report = tmp_path / "report"
    result = json.loads((report / "result.json").read_text())
    assert result["success"] is True
    assert result["data"] == read_card(tmp_path / "valid")["data"]
    assert len(result["rules"]) > 20
    assert all(rule["success"] and rule["error"] is None for rule in result["rules"])
    start = (report / "index.html").read_text()
    assert all(rule["rule"] in start for rule in result["rules"])
    assert "&lt;script&gt;" in start
    pages = sorted(report.rglob("*.html"))
    assert {page.parent.relative_to(report).parts[:1] for page in pages} == {
        (),
        ("expectations",),
        ("validations",),
    }
    for page in pages:
        text = page.read_text()
        assert not re.search(r"<script|<img|url\(", text)
        assert not re.search(r"<link[^>]*https?:", text)
        for style in re.findall(r'<link rel="stylesheet" href="([^"]+)"', text):
            assert (page.parent / style).is_file()
    for link in re.findall(r'<a href="([^"]+)"', start):
        assert (report / link).is_file()


def train_only(rows: Sequence[Row]) -> list[Row]:
    return [one for one in rows if one["split"] == "train"]


def without_label(rows: Sequence[Row], label: str, split: str) -> list[Row]:
    return [one for one in rows if (one["label"], one["split"]) != (label, split)]


@pytest.mark.parametrize(
    ("spoil", "changes", "message"),
    [
        (
            lambda rows: [one | {"text": ""} if i % 4 == 0 else one for i, one in enumerate(rows)],
            {},
            r"1 rule: few rows are rejected: no, 0\.25 \(at most 0\.2\): empty_text 9",
        ),
        (
            lambda rows: [rows[0] | {"label": "refnud"}, rows[1] | {"label": "x: y"}, *rows[2:]],
            {},
            r"unknown labels are few: no, 2 \(at most 0\): refnud 1, x: y 1"
            r'[\s\S]*task\.labels:\n    - refnud\n    - "x: y"\n',
        ),
        (
            lambda rows: without_label(rows, "login", "test"),
            {},
            r"every label has its rows in test: no, login 0 \(at least 2\)",
        ),
        (
            lambda rows: rows,
            {"min_rows_per_label": RowsPerSplit(train=5, validation=5, test=2)},
            r"2 rules: .* train: no, track 4, refund 4, login 4 .* validation: no, track 4",
        ),
        (
            lambda rows: rows,
            {"max_label_share": 0.3},
            r"no label dominates train: no, track 0\.3333, .* \(at most 0\.3\)",
        ),
        (
            lambda rows: [*rows[:-1], rows[-1] | {"id": rows[-2]["id"]}],
            {},
            r"1 rule: ids are unique: no, 2 rows, such as id test login 2 \(none allowed\)",
        ),
        (
            lambda rows: [*rows[:-1], rows[-1] | {"group": None}],
            {},
            r"1 rule: group is never null: no, 1 row \(none",
        ),
        (
            lambda rows: [rows[0] | {"split": "train", "source_row": None}, *rows[1:]],
            {},
            r"source_row is int64: no, found float64 \(must be int64\); .* never null: no, 1 row",
        ),
        (
            train_only,
            {"min_rows_per_label": RowsPerSplit(train=2, validation=0, test=0)},
            r"2 rules: validation has rows: no, found 0 \(at least 1\); test has rows",
        ),
    ],
    ids=["rejects", "unknown", "missing", "too few", "balance", "ids", "nulls", "types", "splits"],
)
def test_a_broken_hard_rule_ends_the_run_after_the_report(
    run: Run,
    good: list[Row],
    tmp_path: Path,
    spoil: Callable[[list[Row]], list[Row]],
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        run(spoil(good), **changes)
    assert not (tmp_path / "valid").exists()
    result = json.loads((tmp_path / "report" / "result.json").read_text())
    assert result["success"] is False
    assert "broken" in (tmp_path / "report" / "index.html").read_text()


def test_a_missing_column_is_no_pass(run: Run, good: list[Row]) -> None:
    message = (
        r"rules: all columns are there: no, missing label \(.*label is never null: no, it could not"
    )
    with pytest.raises(DataError, match=message):
        run(good, without="label")
