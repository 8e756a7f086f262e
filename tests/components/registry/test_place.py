"""In: addresses good and bad. Out: an open registry, or one paragraph with the cure."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.errors import Away, ServiceError, TouchstoneError
from components.registry import Registry, champion, local_uri, open_registry
from components.registry.waiting import health


def test_nothing_named_means_a_sqlite_file_in_the_state_folder(
    registry: Registry, state: Path
) -> None:
    assert registry.uri == local_uri(state)
    assert (state / "mlflow" / "mlflow.db").is_file()
    assert not registry.remote


def test_opening_again_finds_what_is_there(registry: Registry, state: Path) -> None:
    registry.client.create_experiment("kept")
    assert open_registry(state, 0).client.get_experiment_by_name("kept") is not None


def test_opening_leaves_no_address_in_the_environment(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    with registry.as_default():
        assert os.environ["MLFLOW_TRACKING_URI"] == registry.uri
    assert "MLFLOW_TRACKING_URI" not in os.environ
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    with registry.as_default():
        pass
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://elsewhere:5000"


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000]
)
def test_damaged_database_is_one_paragraph_with_a_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mlflow" / "mlflow.db"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(TouchstoneError, match="damaged") as caught:
        open_registry(tmp_path, 0)
    assert "start anew" in caught.value.cure
    assert caught.value.exit_code == 1
    assert path.read_bytes() == content


def test_absent_server_is_named_with_its_cure_and_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"http://127\.0\.0\.1:9 does not answer") as caught:
        open_registry(tmp_path, 0)
    assert "secret" not in str(caught.value)
    assert "make up" in caught.value.cure


def test_absent_database_is_named_with_its_cure_and_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://me:secret@127.0.0.1:9/none")
    with pytest.raises(Away, match=r"127\.0\.0\.1:9/none does not answer .*refused") as caught:
        open_registry(tmp_path, 0)
    assert "secret" not in str(caught.value)
    assert "the same command again" in caught.value.cure


def test_database_of_unknown_kind_is_refused_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "oddbase://me:secret@127.0.0.1:9/none")
    with pytest.raises(TouchstoneError, match="cannot be used") as caught:
        open_registry(tmp_path, 0)
    assert not isinstance(caught.value, Away)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("status", "usable"), [(200, True), (401, True), (503, False)])
def test_server_is_there_when_it_answers_even_to_ask_who_we_are(status: int, usable: bool) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        problem = health(f"http://127.0.0.1:{server.server_port}")
        thread.join()
    assert (problem is None) is usable


def test_importing_the_package_does_not_import_mlflow(root: Path) -> None:
    code = "import components.registry, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_model_that_nobody_registered_has_no_champion(registry: Registry) -> None:
    assert champion(registry, "unheard-of") is None
