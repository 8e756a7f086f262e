"""In: a folder. Out: a real MLflow, Prefect or PostgreSQL that is killed, frozen, brought back.

with mlflow(folder) as books: books.kill(); books.start()
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from benchmarks import postgres
from flows import server

PATIENCE = 240.0
HOST = server.HOST


@dataclass
class Service:
    """One process, always at the same address.

    Attributes:
        url: where it answers.
        command: that starts it.
        health: answers with status 200 once it can be used.
        log: the file that its output goes to.
        environment: over this process' own.
    """

    url: str
    command: tuple[str, ...]
    health: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not answers(self.health):
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, with all that it has started, as a power cut would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let it accept connections and answer none."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, with all that it was asked meanwhile."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)


def answers(url: str) -> bool:
    """Tell whether something answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def mlflow(folder: Path, database: str = "") -> Iterator[Service]:
    """Give a running MLflow over a database, by default a SQLite file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = server.any_free_port()
    url = f"http://{HOST}:{port}"
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)),
        *("--workers", "1", "--uvicorn-opts", "--log-level warning", "--no-serve-artifacts"),
        *("--default-artifact-root", (folder / "artifacts").as_uri()),
    )
    environment = {
        "MLFLOW_BACKEND_STORE_URI": database or f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    service = Service(url, command, f"{url}/health", folder / "log", environment)
    with running(service):
        yield service


@contextlib.contextmanager
def prefect(folder: Path) -> Iterator[Service]:
    """Give a running Prefect server over a SQLite file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = server.any_free_port()
    url = f"http://{HOST}:{port}/api"
    program = (
        "import uvicorn; uvicorn.run('prefect.server.api.server:create_app', factory=True, "
        f"host='{HOST}', port={port}, log_level='warning')"
    )
    environment = {
        **server.client_environment(folder, url),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }
    service = Service(
        url, (sys.executable, "-c", program), f"{url}/health", folder / "log", environment
    )
    with running(service):
        yield service


@contextlib.contextmanager
def running(service: Service) -> Iterator[None]:
    """Run a service for a block."""
    try:
        service.start()
        yield
    finally:
        service.kill()


class Database:
    """A PostgreSQL that `temporary_postgres` runs, known by one of its addresses."""

    def __init__(self, url: str) -> None:
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            self._data = str(connection.execute(sa.text("SHOW data_directory")).scalar())
        opts = shlex.split((Path(self._data) / "postmaster.opts").read_text())
        self._options = shlex.join([one for one in opts[1:] if one not in ("-D", self._data)])

    def stop(self) -> None:
        """Stop it as an administrator in a hurry does: every connection is cut."""
        self._control("stop", "-w", "-m", "fast")

    def start(self) -> None:
        """Start it again at the same address."""
        log = str(Path(self._data).parent / "log")
        self._control("start", "-w", "-o", self._options, "-l", log)

    def freeze(self) -> None:
        """Stop every one of its processes where it stands."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _control(self, *arguments: str) -> None:
        programs = postgres._programs()
        assert programs is not None
        postgres._run(postgres._user(), str(programs / "pg_ctl"), *arguments, "-D", self._data)

    def _signal(self, number: int) -> None:
        import psutil

        pid = int((Path(self._data) / "postmaster.pid").read_text().split()[0])
        master = psutil.Process(pid)
        for process in [master, *master.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def later(seconds: float, work: Callable[[], object]) -> threading.Thread:
    """Do it in the background after a while; join what is returned."""
    thread = threading.Thread(target=lambda: (time.sleep(seconds), work()))
    thread.start()
    return thread
