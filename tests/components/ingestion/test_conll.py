from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import DataError
from components.ingestion.readers import read_records
from components.spans import Scheme, read_spans

COLUMNS = ("text", "entities", "document")


def read(path: Path, text: str, scheme: Scheme = "iob2") -> list[dict[str, str | None]]:
    path.write_bytes(text.encode())
    return [dict(record) for record in read_records(path, COLUMNS, "conll", None, scheme)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train.txt"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("Ada\tB-per\nLovelace\tI-per\nspoke\tO\n\nLondon\tB-loc\n", "iob2"),
        ("Ada\tB-per\r\nLovelace\tI-per\r\nspoke\tO\r\n\t\r\nLondon\tB-loc", "iob2"),
        ("\n\nAda B-per\nLovelace I-per\nspoke O\n \n\nLondon B-loc\n\n\n", "iob2"),
        ("\ufeffAda I-per\nLovelace I-per\nspoke O\n\nLondon I-loc\n", "iob1"),
        ("Ada B-per\nLovelace E-per\nspoke O\n\nLondon S-loc\n", "bioes"),
        ("Ada NNP I B-per\nLovelace NNP I I-per\nspoke V O O\n\nLondon NNP I B-loc\n", "iob2"),
    ],
)
def test_words_are_joined_by_spaces_and_entities_placed(
    path: Path, text: str, scheme: Scheme
) -> None:
    found = read(path, text, scheme)
    assert [record["text"] for record in found] == ["Ada Lovelace spoke", "London"]
    assert [record["entities"] for record in found] == [
        '[{"start":0,"end":12,"label":"per"}]',
        '[{"start":0,"end":6,"label":"loc"}]',
    ]
    assert [record["document"] for record in found] == [None, None]


def test_places_count_characters_whatever_they_are(path: Path) -> None:
    words = ["🙂", "e\u0301", "\u200b", "a\u2028b", "東京", "x"]
    rows = "".join(f"{word}\t{'B-it' if word == '東京' else 'O'}\n" for word in words)
    (record,) = read(path, rows)
    text = str(record["text"])
    (span,) = read_spans(str(record["entities"]))
    assert text == " ".join(words)
    assert text[span.start : span.end] == "東京"


def test_a_word_may_hold_what_parts_other_columns(path: Path) -> None:
    (record,) = read(path, "New York\tB-loc\n-\tO\n")
    assert record["text"] == "New York -"


def test_documents_are_named_by_what_they_say_not_by_where_they_stand(path: Path) -> None:
    one, other = "-DOCSTART- O\n\na O\n\nb O\n", "-DOCSTART- O\n\nc O\n"
    forth = [(r["text"], r["document"]) for r in read(path, one + "\n" + other)]
    back = [(r["text"], r["document"]) for r in read(path, other + "\n" + one)]
    assert [text for text, _ in forth] == ["a", "b", "c"]
    assert sorted(forth) == sorted(back)
    assert len({document for _, document in forth}) == 2
    # What stands before the first mark is a document, too.
    ahead = read(path, one.removeprefix("-DOCSTART- O\n") + "\n" + other)
    assert [(r["text"], r["document"]) for r in ahead] == forth


def test_only_the_columns_asked_for_are_read(path: Path) -> None:
    path.write_text("a O\n")
    assert list(read_records(path, ["entities"], "conll", None, "iob2")) == [{"entities": "[]"}]
    with pytest.raises(DataError, match=r"column 'tag' is missing.*text, entities, document"):
        list(read_records(path, ["tag"], "conll", None, "iob2"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a O\n\nb O\nc I-x\n", r"line 4: 'I-x' must not stand after 'O'"),
        ("a O\nb\n", r"line 2: the tag is missing: 'b'"),
        ("a\tO\nb\t\n", r"line 2: the tag is missing"),
        ("a\tO\n\tO\n", r"line 2: the word is missing"),
        ("a O\n\nb N O\n", r"line 3: 3 columns where the lines before have 2"),
        ("a Q-x\n", r"line 1: 'Q-x' is no tag of iob2"),
    ],
)
def test_faults_are_told_with_file_and_line(path: Path, text: str, rule: str) -> None:
    with pytest.raises(DataError, match=f"train.txt, {rule}"):
        read(path, text)


def test_a_wrong_byte_is_told_with_its_line(path: Path) -> None:
    path.write_bytes(b"a O\nM\xfcller O\n")
    with pytest.raises(DataError, match=r"not UTF-8: byte 0xfc at line 2, column 2"):
        list(read_records(path, COLUMNS, "conll", None, "iob2"))


@pytest.mark.parametrize("name", ["x.conll", "x.BIO"])
def test_no_scheme_is_guessed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a O\n")
    with pytest.raises(DataError, match="the scheme of its tags is not named") as error:
        list(read_records(tmp_path / name, COLUMNS))
    assert "ingestion.scheme" in error.value.cure


def test_an_empty_file_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        read(path, "")
