"""In: the project's state folder. Out: the address of its one Prefect server, booted if needed.

Every stage is a process of its own; without a shared server each would boot one. Nothing here
imports Prefect, so that a process can have the server booting while it imports Prefect itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from components.errors import Away, IntegrityError, ServiceError
from components.files import read_json, write_json
from components.patience import Backend, unreachable, veiled, wait_out
from flows import processes

HOST: Final = "127.0.0.1"
PORT: Final = 4200
PATIENCE: Final = 120.0
PAUSE: Final = 0.1
# Of what Prefect asks by itself (logs, events, a worker): after 2, 4, ... 64 seconds, two minutes
# in all. What a stage asks waits as `orchestrator` says.
RETRIES: Final = "6"
WATCH_SECONDS: Final = 3.0
LEASES: Final = "prefect.server.concurrency.lease_storage.filesystem"


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that this project booted: its API address, process id and the process' birth."""

    url: str
    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether its process still runs; it may not answer yet."""
        return processes.runs(self.pid, self.started)


def home(state: Path) -> Path:
    """Return the folder that holds the server's database, log and record."""
    return state.resolve() / "prefect"


def client_environment(state: Path, url: str) -> dict[str, str]:
    """Return what a process needs in its environment to use the server at `url`, quietly."""
    return {
        "PREFECT_API_URL": url,
        "PREFECT_HOME": str(home(state)),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLIENT_MAX_RETRIES": RETRIES,
    }


def read_server(record: Path) -> Server | None:
    """Return the server that a record names if it still runs; a stale record is no server.

    A process that has merely been given the same id since does not count.
    """
    try:
        server = Server(**read_json(record))
        return server if server.alive else None
    except (IntegrityError, TypeError):
        return None


def recorded(state: Path) -> Server | None:
    """Return the project's own server if its process runs; it may not answer yet."""
    return read_server(home(state) / "server.json")


def healthy(url: str, timeout: float = 2.0) -> bool:
    """Tell whether a Prefect API answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=timeout) as answer:
            return bool(answer.read(16).strip() == b"true")
    except (OSError, ValueError, urllib.error.URLError):
        return False


def find_server(state: Path) -> str | None:
    """Return the API address of the project's own server if it runs and answers."""
    server = recorded(state)
    return server.url if server is not None and healthy(server.url) else None


def ensure_server(state: Path, port: int | None = None, patience: float = PATIENCE) -> str:
    """Return the API address of a Prefect server that answers.

    The one that PREFECT_API_URL names, else the project's own, booted when there is none. Port
    4200 is taken if it is free, else any; `port` asks for that one and no other.

    Raises:
        Away: it does not answer within `patience` seconds.
        ServiceError: the port is in use.
    """
    if named := os.environ.get("PREFECT_API_URL"):
        return _wait_for_named(named, patience)
    return wait_for(state, boot_server(state, port), patience)


def boot_server(state: Path, port: int | None = None) -> Server:
    """Return the project's own server, started if none runs, without waiting for its answer.

    However many processes ask at once, one server is started.

    Raises:
        ServiceError: another program listens on `port`.
    """
    with _lock(state):
        server = recorded(state)
        if server is None:
            with _flock(_claims() / "lock"):
                chosen = _free_port(port)
                server = _start(state, chosen)
                write_json(_claims() / f"{chosen}.json", dataclasses.asdict(server))
            write_json(home(state) / "server.json", dataclasses.asdict(server))
    return server


def stop_server(state: Path) -> bool:
    """Stop the project's own server and forget it; tell whether one was running."""
    if not home(state).is_dir():
        return False
    with _lock(state):
        server = recorded(state)
        (home(state) / "server.json").unlink(missing_ok=True)
        return server is not None and processes.stop(server.pid, server.started)


def port_is_free(port: int) -> bool:
    """Tell whether this process could listen on the loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _claims() -> Path:
    """Return where this user's projects note the ports of servers that may not listen yet."""
    return Path(tempfile.gettempdir()) / f"touchstone-{os.getuid()}"


def _is_ours_to_take(port: int) -> bool:
    """Tell whether nobody listens on the port, nor is about to: a server boots for seconds."""
    return port_is_free(port) and read_server(_claims() / f"{port}.json") is None


def _listens(server: Server) -> bool:
    """Tell whether it is this server that has its port, and not one that was quicker."""
    import psutil

    try:
        found = psutil.Process(server.pid).net_connections("tcp")
    except psutil.Error:
        return False
    port = urllib.parse.urlsplit(server.url).port
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def _free_port(asked: int | None) -> int:
    if asked is None:
        return PORT if _is_ours_to_take(PORT) else any_free_port()
    if not port_is_free(asked):
        raise ServiceError(
            f"port {asked} is in use by another program, so the Prefect server cannot listen there",
            "stop that program, or name another port: `TOUCHSTONE_PREFECT_PORT=4201 make up`",
        )
    return asked


def _lock(state: Path) -> contextlib.AbstractContextManager[None]:
    return _flock(home(state) / "server.lock")


@contextlib.contextmanager
def _flock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _command(state: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "flows.server", str(home(state)), str(port)]


def _start(state: Path, port: int) -> Server:
    url = f"http://{HOST}:{port}/api"
    environment = {
        **os.environ,
        **client_environment(state, url),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # In memory, a lease would be lost with the server that dies during a release: its slot
        # would stay taken, and every later run of the schedule be cancelled.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
    }
    log = home(state) / "server.log"
    return Server(url, *processes.spawn(_command(state, port), environment, log))


def wait_for(state: Path, server: Server, patience: float = PATIENCE) -> str:
    """Return the API address of a booted server once it answers.

    Raises:
        Away: it does not answer within `patience` seconds.
        ServiceError: it ended.
    """
    log = home(state) / "server.log"
    deadline = time.monotonic() + patience
    while not (healthy(server.url) and _listens(server)):
        if not server.alive:
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
            raise ServiceError(
                f"the local Prefect server ended while starting: {last.strip()}", f"read {log}"
            )
        if time.monotonic() > deadline:
            raise Away(
                f"the local Prefect server at {server.url} did not answer in {patience:.0f} s",
                f"`make down`, then the same command again; its log is {log}",
            )
        time.sleep(PAUSE)
    return server.url


def _wait_for_named(url: str, patience: float) -> str:
    def ask() -> str:
        if not healthy(url):
            raise ConnectionError("no answer")
        return url

    cure = "start it, or unset PREFECT_API_URL to use a local one"
    there = Backend(f"Prefect at {veiled(url)}", cure, unreachable, lambda: healthy(url))
    return wait_out([there], patience, ask)


def _watch(record: Path, seconds: float) -> None:
    """End this process once the record is no longer about it: the state folder was deleted."""
    while True:
        time.sleep(seconds)
        if not processes.owns(record):
            os.kill(os.getpid(), signal.SIGTERM)
            return


def serve(folder: Path, port: int) -> None:
    """Be the server, until SIGTERM or until the record in `folder` no longer names this process."""
    import uvicorn

    threading.Thread(
        target=_watch, args=(folder / "server.json", WATCH_SECONDS), daemon=True
    ).start()
    # by name, as Prefect's own `server start --background` does: half a second less than the CLI
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host=HOST,
        port=port,
        log_level="warning",
        timeout_keep_alive=5,
    )


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
