"""In: exports of doccano. Out: labels and entities as tasks read them, or where the fault is."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records


def read(folder: Path, lines: str, *columns: str) -> list[dict[str, str | None]]:
    (folder / "all.jsonl").write_text(lines, encoding="utf-8")
    return [dict(record) for record in read_records(folder / "all.jsonl", columns, "doccano")]


def test_one_label_many_labels_and_none(tmp_path: Path) -> None:
    lines = '{"id": 1, "text": "a", "label": ["NA"]}\n\n{"id": 2, "text": "b", "label": []}\n'
    assert read(tmp_path, lines, "text", "label", "labels", "id") == [
        {"text": "a", "label": "NA", "labels": '["NA"]', "id": "1"},
        {"text": "b", "label": None, "labels": None, "id": "2"},
    ]
    plain = '{"text": "a", "label": "x"}'
    assert read(tmp_path, plain, "label") == [{"label": "x"}]


@pytest.mark.parametrize(
    "marked",
    [
        '"label": [[4, 9, "who"], [0, 3, "who"]]',
        '"labels": [[0, 3, "who"], [4, 9, "who"]]',
        '"entities": [{"id": 7, "label": "who", "start_offset": 0, "end_offset": 3}, '
        '{"id": 8, "label": "who", "start_offset": 4, "end_offset": 9}], "relations": []',
    ],
)
def test_spans_of_every_kind_of_project_are_placed_in_their_order(
    tmp_path: Path, marked: str
) -> None:
    expected = '[{"start":0,"end":3,"label":"who"},{"start":4,"end":9,"label":"who"}]'
    lines = f'{{"text": "Ada Grace", {marked}}}\n'
    assert read(tmp_path, lines, "entities") == [{"entities": expected}]


def test_no_span_is_no_entity(tmp_path: Path) -> None:
    assert read(tmp_path, '{"text": "a", "label": []}', "entities") == [{"entities": "[]"}]


@pytest.mark.parametrize(
    ("column", "marked", "message"),
    [
        ("label", '"label": ["a", "b"]', "2 labels where one is needed: a, b"),
        ("labels", '"label": ["a", "a"]', "the label 'a' is given twice"),
        ("label", '"label": [""]', "a label is blank"),
        ("label", '"label": ["\\ud800"]', "half a surrogate pair at character 1"),
        ("label", '"label": [3]', "expected the name of a label, found 3"),
        ("label", '"label": 3', "'label' must hold a list"),
        ("label", '"label": null', "'label' must hold a list"),
        ("label", '"label": [[0, 1, "x"]]', "a span where a label is needed"),
        ("label", '"label": [], "labels": []', "expected one of .*, found label, labels"),
        ("label", '"tag": "x"', r"found none \(text, tag\)"),
        ("entities", '"label": ["a"]', r"expected a span, \[start, end, label\], found a"),
        ("entities", '"label": [[0, 1]]', "expected a span"),
        ("entities", '"label": [[-1, 1, "x"]]', "begin and end at whole numbers, found -1 and 1"),
        ("entities", '"label": [[0, 1.0, "x"]]', "whole numbers, found 0 and 1.0"),
        ("entities", '"label": [["0", 1, "x"]]', "whole numbers, found 0 and 1"),
        ("entities", '"label": [[0, 3, "x"]]', r"0 to 3 \(x\) is no part .* has 2 characters"),
        ("entities", '"label": [[1, 1, "x"]]', r"1 to 1 \(x\) is no part of the text"),
        ("entities", '"label": [[0, 1, "x"], [0, 2, "y"]]', r"0 to 1 \(x\) and 0 to 2 \(y\) over"),
        ("entities", '"label": [[0, 1, " "]]', "a label is blank"),
        ("entities", '"label": [[0, 1, null]]', "expected the name of a label, found None"),
        ("other", '"label": []', r"column 'other' is missing; found: text, label, labels, ent"),
    ],
)
def test_faults_are_named_by_line(tmp_path: Path, column: str, marked: str, message: str) -> None:
    lines = f'{{"text": "ab", "label": []}}\n{{"text": "ab", {marked}}}\n'
    wanted = ("text",) if column == "other" else ()
    with pytest.raises(DataError, match=rf"all\.jsonl, line [12]:? .*{message}") as caught:
        read(tmp_path, lines, *wanted, column)
    assert caught.value.cure


def test_spans_need_the_text_in_which_they_lie(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: 'text' must hold the text"):
        read(tmp_path, '{"text": null, "label": [[0, 1, "x"]]}', "entities")
