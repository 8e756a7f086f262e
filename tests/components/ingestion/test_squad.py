"""In: well and badly made SQuAD files. Out: questions, or errors that name the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records
from components.ingestion.squad import COLUMNS

CONTEXT = "Caf\u00e9s opened in 1686; the first in Paris."
FILE: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "Coffee",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "a",
                            "question": "When?",
                            "answers": [
                                {"answer_start": 16, "text": "1686"},
                                {"answer_start": 13, "text": "in 1686"},
                                {"answer_start": 16, "text": "1686"},
                            ],
                        },
                        {
                            "id": "b",
                            "question": "Who?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"answer_start": 0, "text": "Caf\u00e9s"}],
                        },
                    ],
                }
            ],
        }
    ],
}


def read(folder: Path, content: bytes, columns: tuple[str, ...] = COLUMNS) -> list[dict[str, Any]]:
    path = folder / "squad.json"
    path.write_bytes(content)
    return [dict(record) for record in read_records(path, columns)]


def written(change: Callable[[Any], object] = lambda _: None) -> bytes:
    file = copy.deepcopy(FILE)
    change(file)
    return json.dumps(file).encode()


def question(file: Any, number: int = 0) -> Any:
    return file["data"][0]["paragraphs"][0]["qas"][number]


def test_questions_carry_their_article_context_and_every_different_answer(tmp_path: Path) -> None:
    first, second = read(tmp_path, written())
    answers = [{"start": 16, "text": "1686"}, {"start": 13, "text": "in 1686"}]
    assert json.loads(first.pop("answers")) == answers
    assert first == {"id": "a", "title": "Coffee", "question": "When?", "context": CONTEXT}
    assert (second["id"], second["answers"]) == ("b", "[]")


def test_only_asked_columns_are_read_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    rows = read(tmp_path, b"\xef\xbb\xbf" + written(), ("id",))
    assert rows == [{"id": "a"}, {"id": "b"}]


def change_answer(**fields: object) -> Callable[[Any], object]:
    return lambda file: question(file)["answers"][1].update(fields)


QAS = r"data\[0\]\.paragraphs\[0\]\.qas"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_answer(answer_start=14), rf"{QAS}\[0\]\.answers\[1\]: at .* 14 .*stands at 13"),
        (change_answer(text="in 1868"), "not 'in 1868'; the context does not hold it"),
        (change_answer(answer_start=-29), "at character -29 of the context stands '', not"),
        (change_answer(answer_start="13"), r"answers\[1\]\.answer_start: expected a whole number"),
        (change_answer(answer_start=True), "expected a whole number, found true or false"),
        (change_answer(answer_start=13.0), "expected a whole number, found a number"),
        (change_answer(text=""), r"answers\[1\]\.text: expected text, found none"),
        (change_answer(text="\ud800"), r"answers\[1\]\.text: half a surrogate pair at character 1"),
        (lambda file: question(file)["answers"].clear(), r"\[0\]: there is no answer, and is_imp"),
        (
            lambda file: question(file).update(is_impossible=True),
            "is true, and there are 2 answers",
        ),
        (lambda file: question(file).update(is_impossible="no"), "expected true or false, found"),
        (lambda file: question(file, 1).update(id="a"), rf"\[1\]: the id 'a' stands at {QAS}\[0\]"),
        (lambda file: question(file).pop("id"), rf"{QAS}\[0\]: 'id' is missing; found: question"),
        (lambda file: file["data"][0].pop("title"), r"data\[0\]: 'title' is missing"),
        (lambda file: file.pop("data"), r"squad\.json: 'data' is missing; found: version"),
        (lambda file: file.update(data={}), "data: expected a list, found an object"),
        (lambda file: file["data"].append(None), r"data\[1\]: expected an object, found null"),
    ],
)
def test_faults_are_named_by_their_place(
    tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, written(change))
    assert caught.value.cure


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"squad\.json is empty"),
        (b"[1]", r"squad\.json: expected an object, found a list"),
        (written()[:-9], r"line 1, column \d+: not valid JSON"),
        (b'{"data": [],\n "data": []}', "'data' stands twice in an object"),
        (b'{"data": [NaN]}', "NaN is no JSON"),
        (b'{"data":\n "\xff"}', r"not UTF-8: byte 0xff at line 2 \(byte 12 of the file\)"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)


def test_unknown_columns_are_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'text' is missing; a SQuAD file has: id, title"):
        read(tmp_path, written(), ("id", "text"))
