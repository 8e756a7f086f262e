"""In: data sets in the hub's layout. Out: the split asked for, its classes by name; no code run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from components.errors import DataError
from components.ingestion.hub import open_folder
from components.params.sections import SplitsParams
from components.records import read_card, read_examples
from tests.components.ingestion.datasets import README, table

Ingest = Callable[..., Path]
COLUMNS = ("text", "label")


def read(folder: Path, asked: str = "") -> list[tuple[str | None, ...]]:
    split = open_folder(f"hf:./set{asked}", folder)
    return [tuple(record.values()) for record in split.records(COLUMNS)]


def fill(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_numbers_of_classes_become_their_names(dataset: Path) -> None:
    assert read(dataset, "?config=plain&split=train") == [("a", "no"), ("b", None), ("c", "yes")]
    assert read(dataset, "?config=plain&split=test") == [("d", "yes")]
    assert read(dataset, "?config=other") == [("e", "1")], "those of another configuration"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("", r"set: several of config; there are: plain, other"),
        ("?config=plain", r"several of split; there are: train, test"),
        ("?config=plain&split=dev", r"no split 'dev'; there are: train, test"),
        ("?config=none&split=train", r"no config 'none'; there are: plain, other"),
    ],
)
def test_what_is_left_open_is_asked_never_guessed(dataset: Path, asked: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(dataset, asked)
    assert "end the name with ?" in caught.value.cure


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (("train.csv", "test.csv", "validation.csv"), ["train", "test", "validation"]),
        (("data/training-1.csv", "data/dev.csv", "notes.csv"), ["train", "validation"]),
        (("train/a.csv", "train/b.csv", "eval/a.csv"), ["train", "test"]),
        (("rows.csv", "contested.csv"), ["train"]),
    ],
)
def test_without_yaml_the_names_of_files_tell_their_splits(
    tmp_path: Path, files: tuple[str, ...], splits: list[str]
) -> None:
    folder = fill(tmp_path / "set", {name: f"text,label\n{name},x\n" for name in files})
    found = {split: read(folder, f"?split={split}") for split in splits}
    assert all(found.values())
    with pytest.raises(DataError, match="no split 'other'; there are: ") as caught:
        read(folder, "?split=other")
    assert sorted(caught.value.what.partition("there are: ")[2].split(", ")) == sorted(splits)


def test_default_configuration_needs_no_name(tmp_path: Path) -> None:
    yaml = (
        "---\nconfigs:\n- config_name: a\n  data_files: a.csv\n- config_name: b\n"
        "  data_files: [b.csv, c.csv]\n  default: true\n---\n"
    )
    files = {f"{name}.csv": f"text,label\n{name},x\n" for name in "abc"}
    folder = fill(tmp_path / "set", files | {"README.md": yaml})
    assert read(folder) == [("b", "x"), ("c", "x")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"README.md": "# nothing", "set.py": "raise SystemExit"},
            "there are no data files; found",
        ),
        ({"train.csv": "", "train.jsonl": ""}, "not in one known format: train.csv, train.jsonl"),
        (
            {"a.csv": "", "README.md": "---\nconfigs:\n- config_name: a\n  data_files: b*\n---\n"},
            r"no file is named b\*",
        ),
        (
            {
                "a.csv": "",
                "README.md": "---\nconfigs:\n- config_name: a\n  data_files: a.csv\n  sep: x\n---",
            },
            "says how its files are read: sep",
        ),
        (
            {"a.csv": "", "README.md": "---\nconfigs:\n- config_name: a\n  data_files: 3\n---\n"},
            "names the data files in a way that is not known: 3",
        ),
        (
            {
                "a.csv": "",
                "README.md": "---\nconfigs:\n- data_files: [{split: a, path: []}]\n---\n",
            },
            "there are no data files",
        ),
        ({"a.csv": "", "README.md": "---\na: [\n---\n"}, r"YAML of README\.md cannot be read"),
        ({"a.csv": "text,label\nx\n"}, r"set/a\.csv, line 2: 1 cell"),
        ({"a.json": "[1]"}, r"set/a\.json, line 1: expected an object, found list"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(fill(tmp_path / "set", files))
    assert caught.value.cure


def test_numbers_beyond_the_classes_are_refused(dataset: Path) -> None:
    table(dataset / "data/test-00000-of-00001.parquet", ["d", "e"], [0, 2])
    with pytest.raises(
        DataError, match=r"row 2: column 'label' holds '2', and README.md names 2 c"
    ):
        read(dataset, "?config=plain&split=test")


def test_links_that_lead_out_of_the_folder_are_refused(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("text,label\nx,y\n")
    (dataset / "more.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError, match=r"more\.csv leads out of"):
        read(dataset, "?config=other")


def test_a_data_set_in_the_folder_passes_through_ingest(run_ingest: Ingest, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        table(tmp_path / f"source/set/{split}.parquet", [f"{split} {i}" for i in range(9)], [1] * 9)
    raw = run_ingest(
        {"set/README.md": README.partition("configs:")[0].replace("plain", "default") + "---\n"},
        source="hf:./set?split=train",
        validation_source="hf:./set?split=validation",
        test_source="hf:./set?split=test",
        splits=SplitsParams(validation=0.0, test=0.0),
        fields={"text": "text", "label": "label"},
        group=None,
        slices=(),
    )
    assert [row["text"] for row in read_examples(raw, "test")] == [f"test {i}" for i in range(9)]
    card = read_card(raw)
    assert card["splits"]["train"]["labels"] == {"yes": 9}
    assert len(set(card["source_sha256"].values())) == 3
