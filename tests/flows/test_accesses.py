"""In: a small project. Out: who opened the test split while the line ran.

A model that was chosen with the help of the test split scores too well on it, and nothing in the
score tells. So it is recorded which stage opens which file, and the test split is made unreadable
while the stages run that must do without it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.__main__ import main
from tests.flows.accesses import Accesses
from tests.flows.projects import STAGES, command, new_project, working_in

# What each stage may open of the test split, and why.
TEST_FILES: dict[str, set[str]] = {
    "ingest": set(),  # makes it
    "validate": {"data/raw/test.parquet"},  # rejects bad rows in every split
    "augment": {"data/valid/test.parquet"},  # drops altered copies that are near a held-out text
    "tokenize": set(),
    "search": set(),
    "train": set(),
    "export": set(),
    "evaluate": {"data/valid/test.parquet"},  # measures on it
}
# Where the model has been made, and is measured: these may read the test split as they like.
AFTERWARDS = {"evaluate", "register", "gate"}
WITHOUT = ("tokenize", "search", "train", "export")


@pytest.fixture(scope="module")
def project(
    prefect_server: str, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    ablation = {"seeds": 1, "resamples": 200, "confidence": 0.95}
    tree = small | {"search": small["search"] | {"ablation": ablation}}
    with working_in(new_project(tmp_path_factory.mktemp("watched"), tree)) as folder:
        yield folder


@pytest.fixture(scope="module")
def opened(project: Path) -> dict[str, set[str]]:
    """Run the line up to the measuring; return the data files that each stage opened."""
    found: dict[str, set[str]] = {}
    accesses = Accesses(project)
    for verb in TEST_FILES:
        if verb == WITHOUT[0]:
            hidden = hide(project)
        if verb == "evaluate":
            restore(hidden)
        accesses.watch()
        accesses.opened()
        assert main(command(verb)) == 0, verb
        found[verb] = {name for name in accesses.opened() if name.startswith("data/")}
    accesses.close()
    return found


def hide(project: Path) -> dict[Path, bytes]:
    """Put what is no Parquet in the place of every test file; return what was there."""
    files = {path: path.read_bytes() for path in (project / "data").rglob("test.parquet")}
    assert len(files) >= 2
    for path in files:
        path.write_bytes(b"not for you")
    return files


def restore(hidden: dict[Path, bytes]) -> None:
    for path, content in hidden.items():
        path.write_bytes(content)


def test_every_stage_says_what_it_may_open() -> None:
    assert set(TEST_FILES) | AFTERWARDS == set(STAGES)


def test_only_those_that_may_open_the_test_split(opened: dict[str, set[str]]) -> None:
    tests = {
        verb: {name for name in names if Path(name).name.startswith("test")}
        for verb, names in opened.items()
    }
    assert tests == TEST_FILES


def test_search_and_train_open_tokens_alone(opened: dict[str, set[str]]) -> None:
    arrays = {
        f"data/tokens/{split}.{array}.npy"
        for split in ("train", "validation")
        for array in ("input_ids", "offsets", "targets")
    }
    told = {f"data/tokens/train.{name}.npy" for name in ("altered", "roots")}
    beside = {"data/tokens/card.json", "data/tokens/tokenizer.json"} | told
    # Copied whole where originals stand for copies.
    assert opened["search"] == arrays | beside | {"data/tokens/validation.groups.npy"}
    assert opened["train"] - {"data/tokens/validation.groups.npy"} == arrays | beside


def test_no_token_of_the_test_split_is_written(project: Path, opened: dict[str, set[str]]) -> None:
    assert "data/augmented/train.parquet" in opened["tokenize"]
    assert list((project / "data" / "tokens").glob("*test*")) == []


def test_what_opens_files_past_python_is_recorded(tmp_path: Path) -> None:
    """The record sees Arrow's own reads and maps, numpy's maps, children, and hard links."""
    for name in ("read", "mapped"):
        pq.write_table(pa.table({"a": [1]}), tmp_path / name)
    np.save(tmp_path / "array.npy", np.arange(3))
    for name in ("child", "linked", "untouched"):
        (tmp_path / name).write_text("x")
    accesses = Accesses(tmp_path)
    accesses.watch()
    pq.read_table(tmp_path / "read")
    with pa.memory_map(str(tmp_path / "mapped")) as source:
        pq.ParquetFile(source).read()
    np.load(tmp_path / "array.npy", mmap_mode="r")
    subprocess.run([sys.executable, "-c", f"open({str(tmp_path / 'child')!r})"], check=True)
    (tmp_path / "another name").hardlink_to(tmp_path / "linked")
    (tmp_path / "another name").read_text()
    assert accesses.opened() == {"read", "mapped", "array.npy", "child", "linked"}
    assert accesses.opened() == set()
    accesses.close()
