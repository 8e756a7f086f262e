"""In: a promoted verdict. Out: the data pushed, and one commit that names the lineage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import TouchstoneError
from components.files import write_json
from flows.release import PUBLISHED, publish_lock

VERDICT = {
    "candidate": {
        "name": "tickets",
        "version": 3,
        "digest": "d" * 64,
        "lineage": "0123456789abcdef",
    }
}


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git and DVC repository with one tracked file, in which a release has ended."""
    folder = tmp_path / "clone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    git("config", "user.name", "t")
    git("config", "user.email", "t@example.com")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    (folder / "rows.csv").write_text("text,label\n")
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "rows.csv"], check=True)
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    (folder / "dvc.lock").write_text("schema: '2.0'\n")
    for name in PUBLISHED[1:]:
        write_json(folder / name, {})
    return folder


def test_publishing_pushes_and_commits_once(clone: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    words = ["remote", "add", "-q", "-d", "store", str(remote)]
    subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
    (clone / "mine.txt").write_text("not part of the release\n")
    publish_lock(VERDICT)
    message = git("log", "-1", "--format=%B")
    assert message.startswith("Release tickets version 3\n")
    assert "Lineage: 0123456789abcdef" in message
    assert set(git("show", "--format=", "--name-only").split()) == set(PUBLISHED)
    assert [path for path in remote.rglob("*") if path.is_file()], "the data were pushed"
    before = git("rev-parse", "HEAD")
    publish_lock(VERDICT)
    assert git("rev-parse", "HEAD") == before


def test_without_a_remote_nothing_is_committed(clone: Path) -> None:
    before = git("rev-parse", "HEAD")
    with pytest.raises(TouchstoneError, match=r"release.publish: (.|\n)*cure: `dvc remote add"):
        publish_lock(VERDICT)
    assert git("rev-parse", "HEAD") == before
