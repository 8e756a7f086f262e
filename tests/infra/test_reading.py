"""In: articles. Out: proof that a history holds one article's passages, newest first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records
from infra.reading import PAST, WORDS, histories, main, write_histories


def article(title: str, passages: int) -> dict[str, object]:
    texts = [f"{title} {n}\n" + "word, " * 40 for n in range(passages)]
    return {"title": title, "paragraphs": [{"context": text} for text in texts]}


def test_a_history_is_three_openings_of_one_article_the_newest_first() -> None:
    rows = list(histories([article("A", PAST + 1), article("B", PAST), article("C", PAST - 1)]))
    assert [item for _, item in rows] == ["A", "A", "B"]
    parts = rows[1][0].split(" | ")
    assert [part.split()[:2] for part in parts] == [["A", "3"], ["A", "2"], ["A", "1"]]
    assert {len(part.split()) for part in parts} == {WORDS}


def test_the_file_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    made = [article("A", 5), article('B "x"', 3)]
    (tmp_path / "dev-v1.1.json").write_text(json.dumps({"data": made}), encoding="utf-8")
    assert main([str(tmp_path), str(tmp_path / "out" / "reading.csv")]) == 0
    read = read_records(tmp_path / "out" / "reading.csv", ("text", "item"))
    assert [(row["text"], row["item"]) for row in read] == list(histories(made))


def test_what_is_not_the_published_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dev-v1\.1\.json is missing"):
        write_histories(tmp_path, tmp_path / "out.csv")
    for content in ("[", "[]", '{"data": [{"title": "A"}]}'):
        (tmp_path / "dev-v1.1.json").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=r"is not SQuAD 1\.1"):
            write_histories(tmp_path, tmp_path / "out.csv")
    assert main([]) == 1
