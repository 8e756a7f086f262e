"""In: what users get wrong. Out: one paragraph with the cure, exit code 1, nothing half-made."""

from __future__ import annotations

import copy
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import AWAY, FAILED
from components.files import write_json
from flows.__main__ import main
from tests.flows.projects import write_params

INGEST = ["ingest", "--source", "data/source", "--out", "data/raw"]
ROW = "body,intent,customer_id,channel,segment\n"


@pytest.fixture
def project(
    prefect_server: str, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Make a project whose params.yaml is small but for what is given; work in it."""

    def make(**sections: dict[str, Any]) -> Path:
        tree = copy.deepcopy(small)
        for name, values in sections.items():
            tree[name] |= values
        write_params(tmp_path, tree)
        (tmp_path / "data" / "source").mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def told(
    capsys: pytest.CaptureFixture[str], argv: list[str], *words: str, code: int = FAILED
) -> str:
    """Run a verb that must fail; return what it told, which has the cure and no traceback."""
    assert main(argv) == code
    text = capsys.readouterr().err
    assert "cure:" in text
    assert "Traceback" not in text
    for word in words:
        assert word in text
    return text


def test_all_mistakes_of_params_are_told_at_once(
    project: Callable[..., Path], small: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project()
    tree = copy.deepcopy(small)
    tree["training"]["epoch"] = tree["training"].pop("epochs")
    tree["training"]["batch_size"] = "32"
    tree["training"]["dropout"] = 1.5
    write_params(folder, tree)
    told(
        capsys,
        INGEST,
        "training.epoch: unknown field (did you mean training.epochs?)",
        "training.epochs: missing",
        "training.batch_size",
        "training.dropout",
    )


def test_no_params_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told(capsys, INGEST, "params.yaml is missing")
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_there(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(ingestion={"source": "mine.csv"})
    told(capsys, INGEST, "mine.csv")
    assert not (folder / "data/raw").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("mine.csv",)),
        (ROW.encode(), ("mine.csv",)),
        (ROW.encode() + "Größe,track_order,1,web,x\n".encode("latin-1"), ("mine.csv", "UTF-8")),
        (b"text,intent,customer_id,channel,segment\nhello,a,1,b,c\n", ("mine.csv", "body")),
        (ROW.encode() + b'"never closed,track_order,1,web,x\n', ("mine.csv",)),
    ],
    ids=["empty", "header alone", "Latin-1", "missing column", "open quote"],
)
def test_a_source_that_cannot_be_read(
    project: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    words: tuple[str, ...],
) -> None:
    folder = project(ingestion={"source": "mine.csv"})
    (folder / "data/source/mine.csv").write_bytes(content)
    told(capsys, INGEST, *words)
    assert not (folder / "data/raw").exists()


def test_a_label_that_the_task_does_not_list(
    project: Callable[..., Path], small: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    labels = [label for label in small["task"]["labels"] if label != "track_order"]
    folder = project(task={"labels": labels})
    assert main(INGEST) == 0
    paths = ["--raw", "data/raw", "--out", "data/valid", "--report", "reports/validation"]
    paths += ["--page", "reports/data.html", "--figures", "reports/data.json"]
    told(capsys, ["validate", *paths], "track_order")
    assert not (folder / "data/valid").exists()
    assert (folder / "reports/validation/index.html").exists(), "the figures can be looked at"


def test_rows_that_are_suspicious_end_the_run_after_the_page_is_written(
    project: Callable[..., Path], small: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(survey={"budgets": small["survey"]["budgets"] | {"rare_labels": 0.0}})
    assert main(INGEST) == 0
    paths = ["--raw", "data/raw", "--out", "data/valid", "--report", "reports/validation"]
    paths += ["--page", "reports/data.html", "--figures", "reports/data.json"]
    told(capsys, ["validate", *paths], "few labels are rare", "survey.budgets.rare_labels")
    assert "1 is broken: few labels are rare" in (folder / "reports/data.html").read_text()


def test_an_encoder_that_is_not_installed(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    project(encoder={"source": "package:no_such_encoder"})
    told(
        capsys,
        ["tokenize", "--examples", "data/augmented", "--out", "data/tokens"],
        "no_such_encoder",
        "install",
    )


def test_an_mlflow_that_does_not_answer(
    project: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = project()
    write_json(folder / "verdict.json", {})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    told(capsys, ["promote", "--verdict", "verdict.json"], "MLflow", "127.0.0.1:9", code=AWAY)


def test_a_verdict_that_is_missing(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    project()
    told(capsys, ["promote"], "registry/verdict.json is missing")


def test_an_mlflow_database_that_is_damaged(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project()
    (folder / ".state/mlflow").mkdir(parents=True)
    (folder / ".state/mlflow/mlflow.db").write_bytes(b"no database" * 500)
    told(capsys, ["rollback"], "mlflow.db", "damaged")


def test_a_state_folder_that_is_a_file(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project()
    (folder / ".state").write_text("in the way")
    told(capsys, INGEST, ".state")


def test_a_deleted_state_folder_is_made_anew(project: Callable[..., Path]) -> None:
    folder = project()
    assert main(INGEST) == 0
    for path in sorted((folder / ".state").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert main(INGEST) == 0


def test_an_unknown_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingets"]) == 2
    assert "ingest, validate" in capsys.readouterr().err


def subprocess_of(folder: Path, **environment: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *INGEST],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(root), "PYTHONFAULTHANDLER": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for the end and return what was said; one that does not end tells where it stands."""
    try:
        return process.communicate(timeout=120)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(process.communicate(timeout=60)[1])


def test_a_prefect_server_that_does_not_answer(project: Callable[..., Path]) -> None:
    folder = project()
    with subprocess_of(folder, PREFECT_API_URL="http://127.0.0.1:9/api") as process:
        _, text = process.communicate(timeout=120)
    assert process.returncode == AWAY
    assert "PREFECT_API_URL" in text
    assert "cure:" in text
    assert "Traceback" not in text


def test_another_program_at_the_named_address_is_no_server(project: Callable[..., Path]) -> None:
    folder = project()
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"http://127.0.0.1:{other.getsockname()[1]}/api"
        with subprocess_of(folder, PREFECT_API_URL=url) as process:
            _, text = process.communicate(timeout=120)
    assert process.returncode == AWAY
    assert url in text
    assert "Traceback" not in text


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_one_sentence(project: Callable[..., Path], prefect_server: str) -> None:
    folder = project(ingestion={"source": "sample:tickets?rows=5000000&seed=1"})
    with subprocess_of(folder, PREFECT_API_URL=prefect_server) as process:
        pause = threading.Event()
        while not list((folder / "data").glob(".raw*")):
            assert process.poll() is None
            pause.wait(0.1)
        process.send_signal(signal.SIGINT)
        text = ended(process)
    assert process.returncode == 130
    assert text.strip() == "ingest: interrupted; the same command goes on from here"
    assert not (folder / "data/raw").exists()
    assert not list((folder / "data").glob(".*"))
