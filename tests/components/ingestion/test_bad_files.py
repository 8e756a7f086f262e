"""In: the files of bad/, each broken in one way. Out: the error of each, word by word (bad.json).

Where an error ends with what a library says, which versions of it say in other words, bad.json
stops there with three dots.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records
from components.spans import Scheme

HERE: Final = Path(__file__).parent
BAD: Final = HERE / "bad"
ERRORS: Final[dict[str, str]] = json.loads((HERE / "bad.json").read_text(encoding="utf-8"))
# Formats that no suffix means.
NAMED: Final = ("label_studio", "doccano", "parallel", "texts")
SCHEMES: Final[dict[str, Scheme]] = {"conll": "iob2", "bio": "bioes"}
SPANS: Final = ("text", "entities")


def read(path: Path) -> list[dict[str, str | None]]:
    """Read a file as its suffix says, with the columns that its format has."""
    suffix = path.suffix.removeprefix(".")
    columns: tuple[str, ...] = ("text", "label")
    if suffix in SCHEMES or path.name.startswith("span"):
        columns = SPANS
    elif suffix == "json":
        columns = ("question", "answers")
    kind = suffix if suffix in NAMED else "conll" if suffix in SCHEMES else None
    return [dict(r) for r in read_records(path, columns, kind, scheme=SCHEMES.get(suffix))]


def test_every_bad_file_has_its_error() -> None:
    assert {path.name for path in BAD.iterdir()} == set(ERRORS)
    assert len(ERRORS) >= 60


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_bad_file_is_refused_with_its_own_error(name: str) -> None:
    with pytest.raises(DataError) as caught:
        read(BAD / name)
    told = caught.value.what.replace(f"{BAD}/", "")
    expected = ERRORS[name]
    if expected.endswith("..."):
        told = told[: len(expected) - 3] + "..."
    assert told == expected
    assert caught.value.cure


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "\ufefftext,label\n007,NA\nnan,null\n1e5,None\n", "007,NA nan,null 1e5,None"),
        ("a.csv", "text,label\r\na,x\r\nb,y", "a,x b,y"),
        ("a.csv", "text,label\na,x\u200b\nb,\u0445\n", "a,x\u200b b,\u0445"),
        ("a.tsv", '\ufefftext\tlabel\n"007"\t-\n', '"007",-'),
        ("a.jsonl", '\ufeff{"text": 007.50, "label": "NA"}\n'.replace("007", "7"), "7.50,NA"),
        ("a.jsonl", '{"text": "a\\u0000", "label": "TRUE"}\n', "a\0,TRUE"),
        ("a.doccano", '{"text": "007", "label": ["nan"]}', "007,nan"),
        ("a.label_studio", '[{"data": {"text": "NA", "label": "00"}, "annotations": []}]', None),
    ],
)
def test_odd_values_are_read_as_they_stand(
    tmp_path: Path, name: str, content: str, rows: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    if rows is None:
        found = list(read_records(path, ("text",), "label_studio"))
        assert found == [{"text": "NA"}]
        return
    told = " ".join(f"{record['text']},{record['label']}" for record in read(path))
    assert told == rows
