"""In: storage that fsspec knows. Out: objects as files, and what tells that they changed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from components.errors import Away, DataError
from components.ingestion import bucket
from components.ingestion.bucket import facts, fetch


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_an_object_is_fetched_byte_for_byte(memory: Any, tmp_path: Path) -> None:
    content = b"body,intent\n" * 200_000
    memory.pipe("/bucket/a/b.csv", content)
    path = fetch("memory://bucket/a/b.csv", tmp_path)
    assert path.read_bytes() == content
    assert path.suffix == ".csv"
    assert path.parent == tmp_path


def test_facts_change_with_the_object_and_only_then(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/bucket/a.csv", b"one")
    first = facts("memory://bucket/a.csv")
    assert first == facts("memory://bucket/a.csv")
    assert first["bytes"] == 3
    memory.pipe("/bucket/a.csv", b"two")
    assert facts("memory://bucket/a.csv") != first
    (tmp_path / "a.csv").write_bytes(b"one")
    assert facts(f"file://{tmp_path}/a.csv")["bytes"] == 3


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("work", [fetch, lambda a, _: facts(a)])
def test_what_is_absent_or_no_object_is_told(work: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"memory://bucket/none\.csv is missing") as caught:
        work("memory://bucket/none.csv", tmp_path)
    assert caught.value.cure
    fsspec.filesystem("memory").pipe("/bucket/folder/a.csv", b"x")
    with pytest.raises(DataError, match="bucket/folder is no single object"):
        work("memory://bucket/folder", tmp_path)


def test_large_objects_are_refused_before_they_are_fetched(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/bucket/a.csv", b"12345")
    with pytest.raises(DataError, match="5 bytes, more than 4"):
        fetch("memory://bucket/a.csv", tmp_path, most=4)
    assert not list(tmp_path.iterdir())


def test_storage_that_may_not_be_read_is_told() -> None:
    told = bucket._refusal("s3://b/k", PermissionError("Forbidden"))
    assert isinstance(told, DataError)
    assert "may not be read: Forbidden" in told.what
    assert "AWS_ACCESS_KEY_ID" in told.cure


def test_storage_that_does_not_answer_is_away() -> None:
    named = type("ReadTimeoutError", (type("HTTPClientError", (Exception,), {}),), {})
    for error in (TimeoutError("no answer"), named("no answer")):
        assert isinstance(bucket._refusal("s3://b/k", error), Away)
    assert isinstance(bucket._refusal("s3://b/k", ValueError("odd")), DataError)


@pytest.mark.skipif(
    importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed: nothing to tell"
)
def test_the_package_that_is_absent_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the package s3fs is not installed") as caught:
        fetch("s3://bucket/a.csv", tmp_path)
    assert "pip install s3fs" in caught.value.cure
