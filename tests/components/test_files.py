from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path

import pytest

from components.errors import IntegrityError
from components.files import (
    CHUNK,
    MANIFEST,
    atomic_folder,
    atomic_write,
    read_json,
    sha256_file,
    sha256_json,
    verify_manifest,
    write_json,
    write_manifest,
    write_text,
)


class Stopped(BaseException):
    """Stands in for Ctrl-C."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_digest_is_that_of_all_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    (tmp_path / "a").write_bytes(content)
    assert sha256_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_digest_of_json_does_not_depend_on_order_or_spacing() -> None:
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json(json.loads('{"b":[1,2],  "a":1}'))
    assert sha256_json({"a": 1}) != sha256_json({"a": "1"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        sha256_json({"a": math.nan})


def test_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with atomic_write(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, Stopped])
def test_interrupted_write_leaves_the_file_that_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    write_text(tmp_path / "a.txt", "before")

    def interrupted() -> None:
        with atomic_write(tmp_path / "a.txt") as file:
            file.write(b"half")
            raise error("now")

    with pytest.raises(error, match="now"):
        interrupted()
    assert (tmp_path / "a.txt").read_text() == "before"
    assert names(tmp_path) == ["a.txt"]


def test_json_survives_and_is_readable(tmp_path: Path) -> None:
    value = {"text": "Grüße 😀", "list": [1, 2.5, None, True]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert "Grüße 😀" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"accuracy": math.nan})
    assert names(tmp_path) == []


def test_missing_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"a.json is missing"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b"\x00"])
def test_cut_or_foreign_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"a.json is not valid JSON"):
        read_json(tmp_path / "a.json")


def test_folder_replaces_the_one_that_was(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "out"
    for content in ("first", "second"):
        with atomic_folder(place) as folder:
            (folder / content).mkdir()
            (folder / content / "a").write_text(content)
    assert names(place) == ["second"]
    assert names(place.parent) == ["out"]


@pytest.mark.parametrize("error", [ValueError, Stopped])
def test_interrupted_folder_leaves_the_one_that_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("before")

    def interrupted() -> None:
        with atomic_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("half")
            raise error("now")

    with pytest.raises(error, match="now"):
        interrupted()
    assert (tmp_path / "out" / "a").read_text() == "before"
    assert names(tmp_path) == ["out"]


def test_leftovers_of_a_killed_attempt_do_not_come_along(tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "stale").write_text("stale")
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "fresh").write_text("fresh")
    assert names(tmp_path / "out") == ["fresh"]


def test_what_a_killed_writer_left_is_swept_and_what_another_writes_stays(tmp_path: Path) -> None:
    dead, alive, other = (tmp_path / f".{n}.partial" for n in ("a.txt.1", "a.txt.2", "b.txt.1"))
    for path in (dead, alive, other):
        path.write_text("half")
    for path in (dead, other):
        os.utime(path, (0, 0))
    write_text(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == [".a.txt.2.partial", ".b.txt.1.partial", "a.txt"]


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "inner" / "b.txt").write_text("b")
    write_manifest(folder)
    return folder


def test_manifest_names_every_file_with_digest_and_size(sealed: Path) -> None:
    assert read_json(sealed / MANIFEST)["files"] == {
        "a.txt": {"sha256": hashlib.sha256(b"a").hexdigest(), "bytes": 1},
        "inner/b.txt": {"sha256": hashlib.sha256(b"b").hexdigest(), "bytes": 1},
    }


def test_digest_of_a_folder_is_the_same_when_verified_and_when_written_again(sealed: Path) -> None:
    assert verify_manifest(sealed) == write_manifest(sealed) == verify_manifest(sealed)


def test_digest_of_a_folder_depends_on_every_byte_and_name(sealed: Path) -> None:
    digests = {write_manifest(sealed)}
    (sealed / "a.txt").write_text("A")
    digests.add(write_manifest(sealed))
    (sealed / "a.txt").rename(sealed / "c.txt")
    digests.add(write_manifest(sealed))
    assert len(digests) == 3


def test_altered_file_is_named_with_both_digests(sealed: Path) -> None:
    (sealed / "inner" / "b.txt").write_text("B")
    expected, found = (hashlib.sha256(c).hexdigest() for c in (b"b", b"B"))
    with pytest.raises(
        IntegrityError, match=rf"inner/b.txt was altered: expected sha256 {expected}, found {found}"
    ):
        verify_manifest(sealed)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"files": 3}', '{"files": {"a": 3}}', '{"files": {"a": {}}}']
)
def test_manifest_of_another_shape_is_refused(sealed: Path, content: str) -> None:
    (sealed / MANIFEST).write_text(content)
    with pytest.raises(IntegrityError, match=r"manifest\.json is no manifest"):
        verify_manifest(sealed)


def test_cut_file_is_named_with_both_sizes(sealed: Path) -> None:
    (sealed / "a.txt").write_text("")
    with pytest.raises(IntegrityError, match=r"a.txt was altered: expected 1 bytes, found 0"):
        verify_manifest(sealed)


def test_missing_and_surplus_files_are_named(sealed: Path) -> None:
    (sealed / "surplus.py").write_text("")
    with pytest.raises(IntegrityError, match=r"surplus.py is not in the manifest"):
        verify_manifest(sealed)
    (sealed / "surplus.py").unlink()
    (sealed / "a.txt").unlink()
    with pytest.raises(IntegrityError, match=r"a.txt is missing"):
        verify_manifest(sealed)


def test_folder_without_a_manifest_is_incomplete(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"manifest.json is missing"):
        verify_manifest(tmp_path)
