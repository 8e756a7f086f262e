"""In: data sets in the hub's layout. Out: the split asked for, its classes by name; no code run."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DataError
from components.ingestion.hub import open_folder
from components.params.sections import SplitsParams
from components.records import read_card, read_examples

Ingest = Callable[..., Path]
COLUMNS = ("text", "label")
README = """---
license: cc0-1.0
dataset_info:
- config_name: plain
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': no
          '1': "yes"
configs:
- config_name: plain
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-00000-of-00001.parquet
- config_name: other
  data_files: other/**/*.jsonl
---
# A data set
"""


def table(path: Path, texts: list[str], labels: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": texts, "label": labels}), path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A folder as `push_to_hub` leaves it, with a script that must never run."""
    folder = tmp_path / "set"
    table(folder / "data/train-00001-of-00002.parquet", ["c"], [1])
    table(folder / "data/train-00000-of-00002.parquet", ["a", "b"], [0, -1])
    table(folder / "data/test-00000-of-00001.parquet", ["d"], [1])
    (folder / "other/deep").mkdir(parents=True)
    (folder / "other/deep/x.jsonl").write_text('{"text": "e", "label": "1"}\n')
    (folder / "README.md").write_text(README)
    (folder / "set.py").write_text("raise SystemExit('code of a data set was run')\n")
    (folder / ".gitattributes").write_text("*.parquet filter=lfs\n")
    return folder


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


class Hub(http.server.SimpleHTTPRequestHandler):
    """Answers as the hub does for one data set: its commit, its files, and nothing else."""

    commit = "c0ffee" * 6 + "0000"
    folder = Path()

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        names = [p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*.*")]
        files = {f"/datasets/me/set/resolve/{self.commit}/{name}": name for name in names}
        if path == "/api/datasets/me/set/revision/main" or path.endswith(f"revision/{self.commit}"):
            listed = [{"rfilename": name} for name in sorted(names)]
            told = {"id": "me/set", "sha": self.commit, "siblings": listed, "tags": []}
            self.answer(json.dumps(told).encode())
        elif path.startswith(f"/api/datasets/me/set/tree/{self.commit}"):
            listed = [
                {
                    "type": "file",
                    "path": n,
                    "size": (self.folder / n).stat().st_size,
                    "oid": "0" * 40,
                }
                for n in names
            ]
            self.answer(json.dumps(listed).encode())
        elif path in files:
            self.answer((self.folder / files[path]).read_bytes())
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - as the server calls it

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hash(body):x}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def hub(dataset: Path) -> Iterator[str]:
    handler = type("Served", (Hub,), {"folder": dataset})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def from_hub(root: Path, endpoint: str, home: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Read a data set in a process of its own: the hub's client takes its address at import."""
    program = (
        "import json, sys\n"
        "from components.errors import TouchstoneError\n"
        "from components.ingestion import hub\n"
        "try:\n"
        "    print(hub.facts(sys.argv[1])['revision'])\n"
        "    split = hub.download(sys.argv[1])\n"
        "    print(json.dumps([list(r.values()) for r in split.records(('text', 'label'))]))\n"
        "except TouchstoneError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", program, name],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_hub_is_asked_for_the_files_of_one_split_and_no_more(
    hub: str, root: Path, tmp_path: Path
) -> None:
    name = "hf:me/set@main?config=plain&split=train"
    done = from_hub(root, hub, tmp_path / "home", name)
    assert done.stderr == ""
    revision, records = done.stdout.splitlines()
    assert revision == Hub.commit
    assert json.loads(records) == [["a", "no"], ["b", None], ["c", "yes"]]
    fetched = {path.name for path in (tmp_path / "home").rglob("*.*") if path.is_symlink()}
    assert fetched == {
        "README.md",
        "train-00000-of-00002.parquet",
        "train-00001-of-00002.parquet",
    }


def test_a_data_set_that_is_not_there_or_a_hub_that_is_away(
    hub: str, root: Path, tmp_path: Path
) -> None:
    done = from_hub(root, hub, tmp_path, "hf:me/none@main")
    assert done.stdout.startswith("DataError hf:me/none@main: the hub has no such data set")
    done = from_hub(root, "http://127.0.0.1:9", tmp_path, "hf:me/set@main")
    assert done.stdout.startswith("Away hf:me/set@main: the hub cannot be asked: ")
