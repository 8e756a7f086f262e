"""In: a small server that answers as the hub does. Out: the files of one split, and no others."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.components.ingestion.serving import serving


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
    with serving(handler) as address:
        yield address


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
