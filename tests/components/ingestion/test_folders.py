"""In: folders of text files. Out: proof that lines keep their files, order and mates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.ingestion.folders import read_lines, read_parallel, read_texts
from components.ingestion.source import digest
from components.params.sections import SplitsParams
from components.records import read_card, read_examples

Ingest = Callable[..., Path]


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_every_line_is_a_text_and_knows_its_file(tmp_path: Path) -> None:
    files = {"b.pos": b'good\r\n"quoted\n', "a.neg": b"bad\n\n", ".hidden": b"x", "b.dvc": b"x"}
    folder = fill(tmp_path / "set", files)
    assert [tuple(r.values()) for r in read_lines(folder, ("text", "file"))] == [
        ("bad", "a.neg"),
        ("", "a.neg"),
        ("good", "b.pos"),
        ('"quoted', "b.pos"),
    ]
    assert [tuple(r.values()) for r in read_lines(folder / "*.neg", ("file",))] == [("a.neg",)] * 2


def test_parallel_files_are_read_line_by_line_whatever_else_lies_there(tmp_path: Path) -> None:
    files = {"seq.in": b"play it\n\nrain?", "label": b"Play\nNone\nWeather\n", "README": b"x\n"}
    assert [dict(r) for r in read_parallel(fill(tmp_path / "s", files), ("label", "seq.in"))] == [
        {"label": "Play", "seq.in": "play it"},
        {"label": "None", "seq.in": ""},
        {"label": "Weather", "seq.in": "rain?"},
    ]


@pytest.mark.parametrize("columns", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("short", [b"", b"1\n", b"1\n2"])
def test_files_of_unequal_lengths_are_both_named_with_their_counts(
    tmp_path: Path, columns: tuple[str, str], short: bytes
) -> None:
    folder = fill(tmp_path / "s", {"a": short, "b": b"1\n2\n3\n"})
    count = len(short.split())
    message = rf"/a, line {count + 1}: absent; the file has {count} lines where .*/b has 3"
    with pytest.raises(DataError, match=message) as caught:
        list(read_parallel(folder, columns))
    assert caught.value.cure


def test_faults_are_named_by_file_line_and_column(tmp_path: Path) -> None:
    folder = fill(tmp_path / "s", {"a": b"ok\ncaf\xe9\n", "b": b"x\ny\n"})
    for read, columns in ((read_lines, ("text",)), (read_parallel, ("a", "b"))):
        with pytest.raises(DataError, match=r"/a is not UTF-8: byte 0xe9 at line 2, column 4"):
            list(read(folder, columns))
    with pytest.raises(DataError, match=r"column 'label' is missing; found: text, file"):
        list(read_lines(folder, ("label",)))
    with pytest.raises(DataError, match=r"column 'c' is missing; found: a, b"):
        list(read_parallel(folder, ("a", "c")))


def test_folders_hold_files_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no files"):
        list(read_lines(fill(tmp_path / "empty", {".gitignore": b"x"}), ("text",)))
    folder = fill(tmp_path / "s", {"a.txt": b"1\n"})
    (folder / "sub").mkdir()
    with pytest.raises(DataError, match=r"s/sub is no file") as caught:
        list(read_lines(folder, ("text",)))
    assert "s/*.txt" in caught.value.cure
    (tmp_path / "secret").write_bytes(b"x\n")
    (folder / "b.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"b\.txt leads out of .*s,"):
        list(read_lines(folder / "*.txt", ("text",)))


def test_a_folders_digest_follows_content_and_names(tmp_path: Path) -> None:
    fill(tmp_path / "s", {"a": b"1\n", "b": b"2\n"})
    first = digest(tmp_path, "s")
    assert first == digest(tmp_path, "s") == digest(tmp_path, "s/*")
    (tmp_path / "s" / "a").rename(tmp_path / "s" / "c")
    renamed = digest(tmp_path, "s")
    (tmp_path / "s" / "c").write_bytes(b"3\n")
    assert len({first, renamed, digest(tmp_path, "s")}) == 3


def test_folders_pass_through_ingest_with_what_their_values_mean(
    run_ingest: Ingest, tmp_path: Path
) -> None:
    lines = {name: "".join(f"{name} {i}\n" for i in range(40)) for name in ("x.pos", "x.neg")}
    changes: dict[str, Any] = {
        "format": "lines",
        "source": "x.*",
        "fields": {"text": "text", "label": "file"},
        "values": {"label": {"x.pos": "track"}},
        "group": None,
        "slices": (),
    }
    card = read_card(run_ingest({**lines, "README.txt": "no text"}, **changes))
    assert {label for split in card["splits"].values() for label in split["labels"]} == {
        "track",
        "x.neg",
    }, "a value that is not listed stays as it is"
    assert card["source_sha256"] == {"x.*": digest(tmp_path / "source", "x.*")}


def test_parallel_folders_may_be_the_given_splits(run_ingest: Ingest) -> None:
    parts = ("train", "valid", "test")
    files = {f"{p}/seq.in": f"{p} one\n{p} two\n" for p in parts}
    files |= {f"{p}/label": "track\nlogin\n" for p in parts}
    raw = run_ingest(
        files,
        format="parallel",
        source="train",
        validation_source="valid",
        test_source="test",
        splits=SplitsParams(validation=0.0, test=0.0),
        fields={"text": "seq.in", "label": "label"},
        group=None,
        slices=(),
    )
    assert [r["text"] for r in read_examples(raw, "test")] == ["test one", "test two"]


def label_folders(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_every_file_is_a_text_and_its_folder_the_label(tmp_path: Path) -> None:
    files = {
        "pos/2.txt": b"good\r\n\r\nday\r\n",
        "pos/10": b"fine",
        "neg/1.txt": b"",
        ".git/x": b"",
    }
    folder = label_folders(tmp_path / "set", files)
    assert [tuple(r.values()) for r in read_texts(folder, ("text", "label", "file"))] == [
        ("", "neg", "neg/1.txt"),
        ("fine", "pos", "pos/10"),
        ("good\r\n\r\nday", "pos", "pos/2.txt"),
    ]
    with pytest.raises(DataError, match=r"column 'body' is missing; found: text, label, file"):
        list(read_texts(folder, ("body",)))


def test_folders_of_labels_hold_files_and_lie_beside_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no folders"):
        list(read_texts(fill(tmp_path / "empty", {}), ("text",)))
    with pytest.raises(DataError, match=r"README lies beside the folders of the labels"):
        list(read_texts(label_folders(tmp_path / "a", {"x/1": b"", "README": b""}), ("text",)))
    with pytest.raises(DataError, match=r"b/x/deep is no file"):
        list(read_texts(label_folders(tmp_path / "b", {"x/deep/1": b""}), ("text",)))
    with pytest.raises(DataError, match=r"x/2 is not UTF-8: byte 0xe9 at line 2, column 1"):
        list(read_texts(label_folders(tmp_path / "c", {"x/2": b"a\n\xe9"}), ("text",)))
    (label_folders(tmp_path / "d", {"x/1": b""}) / "y").mkdir()
    with pytest.raises(DataError, match=r"d/y: there are no files"):
        list(read_texts(tmp_path / "d", ("text",)))


def test_a_text_that_moves_to_another_label_changes_the_digest(tmp_path: Path) -> None:
    folder = label_folders(tmp_path / "set", {"pos/1": b"x", "pos/2": b"y", "neg/3": b"z"})
    first = digest(tmp_path, "set")
    (folder / "pos/1").rename(folder / "neg/1")
    assert digest(tmp_path, "set") != first


def test_folders_of_labels_pass_through_ingest(run_ingest: Ingest) -> None:
    files = {f"set/{label}/{i}.txt": f"{label} {i}\n" for label in ("a", "b") for i in range(40)}
    changes: dict[str, Any] = {
        "format": "texts",
        "source": "set",
        "fields": {"text": "text", "label": "label"},
        "group": None,
        "slices": (),
    }
    card = read_card(run_ingest(files, **changes))
    assert card["rows"] == 80
    assert {name for split in card["splits"].values() for name in split["labels"]} == {"a", "b"}
