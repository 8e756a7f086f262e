"""In: the state folder and addresses. Out: MLflow and the worker as services with a health."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from components.errors import ServiceError
from components.files import write_json
from components.registry import local_uri, open_registry
from components.registry.place import local_artifacts
from flows import processes
from flows.__main__ import quiet
from flows.server import HOST, Server, client_environment, read_server

POOL: Final = "touchstone"
WORKER: Final = "local"
TIMEOUT: Final = 5.0


@dataclasses.dataclass(frozen=True)
class Service:
    """A program that runs in the background.

    Attributes:
        name: for people.
        folder: where its record and its log lie.
        url: where it answers.
        command: that starts it.
        environment: over this process' own.
        prepare: is called before it is started.
        healthy: whether it answers, given when it was started (seconds since the epoch).
    """

    name: str
    folder: Path
    url: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    prepare: Callable[[], object]
    healthy: Callable[[float], bool]

    @property
    def record(self) -> Path:
        """The file that says which process it is."""
        return self.folder / f"{self.name.lower()}.json"

    @property
    def log(self) -> Path:
        """The file that its output goes to."""
        return self.folder / f"{self.name.lower()}.log"

    def at(self, url: str) -> Service:
        """Return the same service at the address where it runs already."""
        return dataclasses.replace(self, url=url, healthy=lambda _: _answers(f"{url}/health"))

    def recorded(self) -> Server | None:
        """Return what runs of it, or None."""
        return read_server(self.record)

    def start(self) -> None:
        """Start it in a session of its own, under a guard that starts it again after a crash."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        guard = [sys.executable, "-m", "infra.guard", str(self.record.resolve()), *self.command]
        environment = {**os.environ, **quiet(os.environ), **self.environment}
        server = Server(self.url, *processes.spawn(guard, environment, self.log))
        write_json(self.record, dataclasses.asdict(server))

    def ready(self) -> bool:
        """Tell whether it answers."""
        return self.record.exists() and self.healthy(self.record.stat().st_mtime)

    def stop(self) -> bool:
        """Stop it and forget it; tell whether it was running."""
        server = self.recorded()
        self.record.unlink(missing_ok=True)
        return server is not None and processes.stop(server.pid, server.started, grace=15.0)

    def last_line(self) -> str:
        """Return the last thing that it said."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")


def mlflow_service(state: Path, port: int) -> Service:
    """Return MLflow's server over the very store that the stages use without one."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or local_uri(state)
    url = f"http://{HOST}:{port}"
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)),
        *("--workers", "1", "--uvicorn-opts", "--log-level warning"),
        "--no-serve-artifacts",
        # As files, not by way of the server: what is logged with it is found without it.
        *("--default-artifact-root", local_artifacts(state).as_uri()),
        *("--allowed-hosts", f"localhost:{port},{HOST}:{port}"),
    )
    environment = {
        # Not on the command line, which everyone on the machine can read: it may hold a password.
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }

    def prepare() -> None:
        # Migrated here, under the registry's own lock: two that migrate at once break the file.
        if not (state / "mlflow" / "mlflow.db").exists():
            open_registry(state, 0)

    return Service(
        "MLflow",
        state / "stack",
        url,
        command,
        environment,
        prepare,
        lambda _: _answers(f"{url}/health"),
    )


def worker_service(state: Path, api: str) -> Service:
    """Return the worker that runs what is due, one release at a time."""
    command = (
        *(sys.executable, "-m", "prefect", "worker", "start", "--type", "process"),
        *("--pool", POOL, "--name", WORKER, "--limit", "1", "--install-policy", "never"),
        "--no-prompt",
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return Service(
        "worker",
        state / "stack",
        api,
        command,
        {**client_environment(state, api), "PATH": path},
        lambda: None,
        lambda since: _online(api, since),
    )


def deploy(state: Path, api: str) -> None:
    """Register what prefect.yaml names with the server at `api`.

    Raises:
        ServiceError: Prefect refuses it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "deploy", "--all", "--no-prompt"],
        cwd=processes.ROOT,
        env={**os.environ, **quiet(os.environ), **client_environment(state, api)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " ".join(f"{done.stdout}\n{done.stderr}".split())[-400:]
        raise ServiceError(f"prefect.yaml could not be registered: {said}", "mend prefect.yaml")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return bool(answer.status < 300)  # noqa: PLR2004 - HTTP's own numbers
    except (OSError, ValueError):
        return False


def _online(api: str, since: float) -> bool:
    """Tell whether the worker has been heard of since it was started."""
    request = urllib.request.Request(
        f"{api}/work_pools/{POOL}/workers/filter",
        data=b"{}",
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            workers = json.load(answer)
    except (OSError, ValueError):
        return False
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    return any(
        worker["name"] == WORKER and (worker["last_heartbeat_time"] or "") >= moment
        for worker in workers
    )
