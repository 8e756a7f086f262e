"""In: up, down or status. Out: Prefect, MLflow and a worker on this machine, running or stopped.

    python -m infra.stack up|down|status

Everything listens on loopback only. What runs is written to .state/stack, with each process' id
and birth, so that `down` ends exactly these and never a process that got an old id.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from components.errors import INTERRUPTED, ServiceError, TouchstoneError
from flows.server import (
    HOST,
    PORT,
    boot_server,
    ensure_server,
    find_server,
    port_is_free,
    recorded,
    stop_server,
)
from infra.services import Service, deploy, mlflow_service, worker_service

STATE: Final = Path(".state")
MLFLOW_PORT: Final = 5000
PATIENCE: Final = 120.0
PAUSE: Final = 0.3


def up(state: Path) -> None:
    """Start what does not run yet, register the deployments, and say where everything is.

    Raises:
        ServiceError: a port is in use, or something does not come up; what this call has started
            is stopped again.
    """
    with _lock(state), _all_or_nothing() as undo:
        mlflow = _mlflow(state)
        if "PREFECT_API_URL" not in os.environ and recorded(state) is None:
            boot_server(state, _port("TOUCHSTONE_PREFECT_PORT", PORT))
            undo.append(lambda: stop_server(state))
        _say("starting what does not run yet ...")
        if mlflow is not None:
            _start(mlflow, undo)
        url = ensure_server(state, patience=PATIENCE)
        worker = worker_service(state, url)
        _start(worker, undo)
        _wait(worker)
        deploy(state, url)
        if mlflow is not None:
            _wait(mlflow)
    _say(f"\nPrefect  {url.removesuffix('/api')}")
    _say(f"MLflow   {mlflow.url if mlflow else os.environ['MLFLOW_TRACKING_URI']}")
    _say("The worker runs `release` when prefect.yaml says so; `make down` stops all three.")


def down(state: Path) -> None:
    """Stop what `up` has started, and a Prefect server that a stage has."""
    if not state.is_dir():
        return _say("nothing was running")
    with _lock(state):
        stopped = [
            service.name
            for service in (worker_service(state, ""), mlflow_service(state, MLFLOW_PORT))
            if service.stop()
        ]
        if stop_server(state):
            stopped.append("Prefect")
    return _say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(state: Path) -> None:
    """Say what runs, and where."""
    worker, mlflow = worker_service(state, ""), mlflow_service(state, MLFLOW_PORT)
    record = mlflow.recorded()
    for name, place in (
        ("Prefect", os.environ.get("PREFECT_API_URL") or find_server(state)),
        ("MLflow", record.url if record else None),
        ("worker", f"log: {worker.log}" if worker.recorded() else None),
    ):
        _say(f"{name:<8} {place or 'is not running'}")


def _mlflow(state: Path) -> Service | None:
    """Return the MLflow server to have here, its port checked; None when one elsewhere is used."""
    if os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://")):
        return None
    port = _port("TOUCHSTONE_MLFLOW_PORT", MLFLOW_PORT)
    service = mlflow_service(state, port)
    running = service.recorded()
    if running is not None:
        return service.at(running.url)
    if not port_is_free(port):
        raise ServiceError(
            f"port {port} is in use by another program, so MLflow cannot listen there",
            "stop that program, or name another port: `TOUCHSTONE_MLFLOW_PORT=5001 make up`",
        )
    return service


def _start(service: Service, undo: list[Callable[[], object]]) -> None:
    if service.recorded() is None:
        service.start()
        undo.append(service.stop)


def _wait(service: Service) -> None:
    deadline = time.monotonic() + PATIENCE
    while not service.ready():
        if service.recorded() is None:
            raise ServiceError(
                f"{service.name} ended while starting: {service.last_line()}", f"read {service.log}"
            )
        if time.monotonic() > deadline:
            raise ServiceError(
                f"{service.name} did not answer in {PATIENCE:.0f} s", f"read {service.log}"
            )
        time.sleep(PAUSE)


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise TouchstoneError(
            f"{variable}: must be a port number, 1 to 65535, found {text!r}", f"unset {variable}"
        )
    return int(text)


@contextlib.contextmanager
def _lock(state: Path) -> Iterator[None]:
    folder = state / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _all_or_nothing() -> Iterator[list[Callable[[], object]]]:
    undo: list[Callable[[], object]] = []
    try:
        yield undo
    except BaseException:
        for step in reversed(undo):
            step()
        raise


def _say(line: str) -> None:
    print(line, flush=True)


def main(argv: Sequence[str]) -> int:
    """Run one command; a person's mistake is one paragraph and never a traceback."""
    commands = {"up": up, "down": down, "status": status}
    if len(argv) != 1 or argv[0] not in commands:
        print("usage: python -m infra.stack up|down|status  (on " + HOST + ")", file=sys.stderr)
        return 2
    try:
        commands[argv[0]](STATE)
    except TouchstoneError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; what was started is stopped again", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
