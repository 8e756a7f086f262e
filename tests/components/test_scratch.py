from __future__ import annotations

import errno
from pathlib import Path

import pytest

from components.scratch import NAME, scratch_database, short_digest


def test_the_database_goes_when_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("what a kill left")
    with scratch_database(tmp_path) as database:
        database.execute("CREATE TABLE one (name TEXT)")
        assert (tmp_path / NAME).exists()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="mine"), scratch_database(tmp_path):
        raise ValueError("mine")
    assert not list(tmp_path.iterdir())


def fill(folder: Path) -> None:
    with scratch_database(folder) as database:
        database.execute("CREATE TABLE one (name TEXT)")
        database.execute("PRAGMA max_page_count = 4")
        database.executemany("INSERT INTO one VALUES (?)", (("x" * 4000,) for _ in range(9)))


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full") as caught:
        fill(tmp_path)
    assert caught.value.errno == errno.ENOSPC


def test_texts_differ_in_their_digests() -> None:
    texts = ["", "a", "A", "a ", "naïve"]
    assert len({short_digest(text) for text in texts}) == len(texts)
