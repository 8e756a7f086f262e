"""In: well and badly made files. Out: records as text, or errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataError, ParamsError
from components.ingestion.readers import READERS, read_records
from components.params.data import SourceFormat

COLUMNS = ("text", "label")


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path) -> list[dict[str, str | None]]:
    return [dict(record) for record in read_records(path, COLUMNS)]


def test_csv_values_are_never_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"label,text,x\nNA,007,1\nnan,,2\nnull, a ,3\n")
    assert [(r["text"], r["label"]) for r in read(path)] == [
        ("007", "NA"),
        ("", "nan"),
        (" a ", "null"),
    ]


def test_csv_cells_may_hold_line_breaks_quotes_and_commas(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b'text,label\r\n"a\nb, ""c""",x\r\n\r\nd,y\r\n')
    assert [r["text"] for r in read(path)] == ['a\nb, "c"', "d"]


def test_csv_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"\xef\xbb\xbftext,label\na,b\n")
    assert read(path) == [{"text": "a", "label": "b"}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text,label\na,b\nc,d,e\n", r"a\.csv, line 3: 3 cells .* column 3 has no name"),
        ("a.csv", b"text,label\na,b\nc\n", r"line 3: 1 cell .* column 2 \('label'\) is absent"),
        ("a.csv", b'text,label\na,b\n"c,d\ne,f\n', r"line 3: .* unexpected end of data .* line 4"),
        ("a.csv", b'text,label\n"a" b,c\n', r"line 2: .* ',' expected after '\"'"),
        ("a.csv", b"text,text,label\na,b,c\n", r"line 1: .*'text' \(columns 1 and 2\)"),
        ("a.csv", b"texts,label\na,b\n", r"'text' is missing \(did you mean 'texts'\?\); .*label"),
        ("a.csv", b"\n\n", r"column 'text' is missing; found: none"),
        ("a.csv", b"text,label\nok,b\ncaf\xe9,b\n", r"byte 0xe9 at line 3, column 4 \(byte 19"),
        ("a.csv", "text,label\na,b\n".encode("utf-16"), r"not UTF-8: byte 0xff at line 1"),
        ("a.csv", "text,label\na,b\n".encode("utf-16-le"), r"NUL byte at line 1, column 2"),
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.xlsx", b"PK", r"'\.xlsx' cannot be read"),
        ("a.jsonl", b'{"text": "a", "label": "b"}\n{"text": }\n', r"line 2, column 10: not valid"),
        ("a.jsonl", b'{"text": "a"}\n', r"line 1: column 'label' is missing; found: text"),
        (
            "a.jsonl",
            b'{"text": "a", "text": "b", "label": "c"}\n',
            r"line 1: 'text' stands twice in",
        ),
        ("a.jsonl", b'{"text": NaN, "label": "c"}\n', r"line 1: NaN is no JSON"),
        ("a.jsonl", b"[" * 99999, r"line 1: nested too deeply"),
        ("a.jsonl", b'{"text": {"a": 1, "a": 2}, "label": "c"}\n', r"line 1: 'a' stands twice"),
        ("a.jsonl", b'{"text": ["\\ud800"], "label": "c"}\n', r"half a surrogate .* character 3"),
        ("a.jsonl", b"1.50\n", r"line 1: expected an object, found number"),
        (
            "a.tsv",
            b"text\tlabel\na\tb\nc\td\te\n",
            r"line 3: 3 cells .* column 3 has no name",
        ),
        ("a.tsv", b"text\tlabel\na\tb\n\nc\n", r"line 4: 1 cell .* column 2 \('label'\) is absent"),
        ("a.tsv", b"text,label\na,b\n", r"line 1: column 'text' is missing; found: text,label"),
        ("a.tab", b"text\tlabel\nok\tcaf\xe9\n", r"byte 0xe9 at line 2, column 7"),
        ("a.jsonl", b'{"text": "\\ud800", "label": "c"}\n', r"half a surrogate pair"),
        ("a.jsonl", b"[1]\n", r"line 1: expected an object, found list"),
        ("a.jsonl", b'\n{"text": "\xff"}\n', r"byte 0xff at line 2, column 11"),
        ("a.parquet", b"PAR0", r"a\.parquet is no readable Parquet file"),
    ],
)
def test_malformed_files_are_refused_by_place(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(write(tmp_path, name, content))
    assert caught.value.cure


def test_jsonl_numbers_keep_their_spelling_and_null_stays_missing(tmp_path: Path) -> None:
    lines = b'{"text": 1.50, "label": true}\n\n{"label": null, "text": "NA", "more": {}}\n'
    assert read(write(tmp_path, "a.jsonl", lines)) == [
        {"text": "1.50", "label": "true"},
        {"text": "NA", "label": None},
    ]


def test_jsonl_structure_becomes_json_text_that_says_the_same(tmp_path: Path) -> None:
    line = '{"text": {"b": [1.50, -0, 1e5, null, true], "a": "ü\\n"}, "label": [ ]}'
    record = read(write(tmp_path, "a.jsonl", line.encode()))[0]
    assert record == {"text": '{"b":[1.50,-0,1e5,null,true],"a":"ü\\n"}', "label": "[]"}
    assert json.loads(str(record["text"])) == json.loads(line)["text"]


def test_tsv_quotes_are_text_and_a_row_is_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", b'label\ttext\r\nx\t"a, ""b\r\n\r\n\ty"\n')
    assert read(path) == [{"text": '"a, ""b', "label": "x"}, {"text": 'y"', "label": ""}]


@pytest.mark.parametrize(("suffix", "sign"), [("csv", ","), ("tsv", "\t")])
def test_a_table_without_a_header_takes_the_names_it_is_given(
    tmp_path: Path, suffix: str, sign: str
) -> None:
    path = write(tmp_path, f"a.{suffix}", sign.join(["x", "hello"]).encode() + b"\n")
    assert list(read_records(path, COLUMNS, header=("label", "text"))) == [
        {"text": "hello", "label": "x"}
    ]
    with pytest.raises(DataError, match=r"columns\.header: column 'text' is missing; found: label"):
        list(read_records(path, COLUMNS, header=("label",)))
    with pytest.raises(DataError, match=r"line 1: 2 cells where .*header names 3; column 3 \('x'"):
        list(read_records(path, COLUMNS, header=("label", "text", "x")))


def test_a_header_for_what_is_no_table_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", b"{}")
    with pytest.raises(ParamsError, match=r"columns\.header: .* is read as jsonl"):
        read_records(path, COLUMNS, header=("text", "label"))


def test_a_named_format_goes_before_the_suffix(tmp_path: Path) -> None:
    path = write(tmp_path, "SMSCollection", b"text\tlabel\na\tb\n")
    assert list(read_records(path, COLUMNS, "tsv")) == [{"text": "a", "label": "b"}]
    with pytest.raises(DataError, match=r"files ending in '' .*") as caught:
        read(path)
    assert "ingestion.format" in caught.value.cure


def test_every_suffix_means_one_format() -> None:
    suffixes = [suffix for reader in READERS.values() for suffix in reader.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert set(READERS) <= set(get_args(SourceFormat))


def test_files_and_folders_are_not_taken_for_one_another(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"text,label\na,b\n")
    with pytest.raises(DataError, match=r"a\.csv is a file, and lines is read from a folder"):
        read_records(path, COLUMNS, "lines")
    with pytest.raises(DataError, match=r"is no file, and csv is read from one"):
        read_records(tmp_path, COLUMNS, "csv")
    with pytest.raises(DataError, match=r"folders are read in several ways") as caught:
        read_records(tmp_path, COLUMNS)
    assert caught.value.cure.endswith("lines, parallel or texts")


def test_parquet_text_and_whole_numbers_are_read_as_text(tmp_path: Path) -> None:
    table = pa.table(
        {"label": pa.array([7, None]), "text": pa.array(["a", "NA"]).dictionary_encode()}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [
        {"text": "a", "label": "7"},
        {"text": "NA", "label": None},
    ]


def test_parquet_columns_must_be_there_and_hold_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"], "labels": ["b"]}), path)
    with pytest.raises(DataError, match=r"'label' is missing \(did you mean 'labels'"):
        read(path)
    pq.write_table(pa.table({"text": ["a"], "label": [0.5]}), path)
    with pytest.raises(DataError, match="'label' has the type double, not text"):
        read(path)


def test_all_formats_give_the_same_records(tmp_path: Path) -> None:
    rows = [{"text": "a, b", "label": "x"}, {"text": "ü\nc", "label": "NA"}]
    csv = write(tmp_path, "a.csv", 'text,label\n"a, b",x\n"ü\nc",NA\n'.encode())
    jsonl = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)).encode())
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read(csv) == read(jsonl) == read(tmp_path / "a.parquet") == rows
