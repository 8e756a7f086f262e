"""In: jobs. Out: each trained as a task of a Ray cluster, on whichever of its machines has room."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from components.errors import Interrupted, TouchstoneError
from components.search.engines.base import Room, attempt
from components.search.engines.child import peak, resident
from components.search.engines.desk import Desk
from components.search.engines.mailbox import Mailbox
from components.search.engines.shares import cores_each, devices_each
from components.search.jobs import Curves, Ending, Job, Listener
from components.search.objective import Objective, Seat

GRACE_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
# An ended task is noticed so late at most; a letter wakes at once.
READ_SECONDS: Final = 0.1
# Of the cluster's memory: beyond, each training gets a process of its own, which gives all back.
ROOMY: Final = 0.5
ENVIRONMENT: Final = {"RAY_USAGE_STATS_ENABLED": "0"}


@dataclass(frozen=True)
class _Task:
    """A job under way."""

    job: Job
    token: str
    reference: Any
    started: float


class Ray:
    """Trains on a cluster; the code, the encoder, the tokens and the checkpoints lie on all of it.

    A training has its share of the cluster's cores and accelerators, by fractions. Ray's own
    retries are off: who dies is told, and the search does it again.

    Args:
        objective: picklable.
        address: of a cluster; None: one is started on this machine, and ended.
    """

    def __init__(self, objective: Objective, address: str | None) -> None:
        self._objective, self._address = objective, address
        self._tasks: dict[str, _Task] = {}
        self._mailbox: Any = None
        self._memory = 0
        self._worker = 0

    def __enter__(self) -> Self:
        """Connect, and open the mailbox on this machine.

        Raises:
            TouchstoneError: Ray is not installed, or no cluster answers at the address.
        """
        if self._mailbox is not None:
            return self
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        ray = _installed()
        _listens(self._address)
        if not ray.is_initialized():
            try:
                ray.init(
                    address=self._address,
                    include_dashboard=None if self._address else False,
                    log_to_driver=False,
                    logging_level="error",
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise _silent(self._address, error) from error
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        own = ray.remote(num_cpus=0, max_concurrency=1000, scheduling_strategy=here)
        self._mailbox = own(Mailbox).remote()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs, and leave the cluster."""
        if self._mailbox is None:
            return
        import ray

        for task in self._tasks.values():
            ray.cancel(task.reference, force=True)
        self._tasks.clear()
        self._mailbox = None
        ray.shutdown()

    def start(self, job: Job, workers: int) -> None:
        """Hand the job to the cluster with its share of cores and accelerators."""
        import ray

        token = str(uuid.uuid4())
        ray.get(self._mailbox.open.remote(token))
        there = ray.cluster_resources()
        tight = self._memory * workers > ROOMY * there.get("memory", 0.0)
        remote = ray.remote(max_retries=0, max_calls=1 if tight else 0)(train).options(
            num_cpus=cores_each(_cores(ray.nodes()), workers),
            num_gpus=devices_each(there.get("GPU", 0.0), workers),
            memory=self._memory or None,
            name=f"trial {job.number}",
        )
        reference = remote.remote(self._mailbox, token, self._objective, job, self._worker)
        self._worker += 1
        self._tasks[token] = _Task(job, token, reference, time.monotonic())

    def wait(self, listener: Listener, seconds: float) -> None:
        """Hand on the letters that came, then the ends of tasks that had ended before."""
        import ray

        end = time.monotonic() + seconds
        while True:
            by_reference = {task.reference: task for task in self._tasks.values()}
            over, _ = ray.wait(list(by_reference), num_returns=len(by_reference), timeout=0)
            letters = ray.get(self._mailbox.read.remote(0.0 if over else READ_SECONDS))
            for token, letter in letters:
                self._read(token, letter, listener)
            for reference in over:
                self._over(by_reference[reference], listener)
            if over or letters or not self._tasks or time.monotonic() >= end:
                return

    def stop(self, listener: Listener) -> None:
        """Let the next thing that each task tells be answered by SIGTERM in its own process."""
        import ray

        ray.get(self._mailbox.stop.remote())
        end = time.monotonic() + GRACE_SECONDS
        while self._tasks and time.monotonic() < end:
            self.wait(listener, READ_SECONDS)

    def room(self) -> Room:
        """Return the cluster's cores and memory."""
        import ray

        there = ray.cluster_resources()
        return Room(cores=int(there.get("CPU", 1)), memory=int(there.get("memory", 0)))

    def _read(self, token: str, letter: Any, listener: Listener) -> None:  # noqa: ANN401
        """Hand on a letter; one of a task that was given up for dead is not read."""
        if (task := self._tasks.get(token)) is None:
            return
        if letter[0] == "step":
            listener.stepped(task.job.key, letter[1])
        else:
            go_on = listener.reported(task.job.key, *letter[1:])
            self._mailbox.answer.remote(token, go_on)

    def _over(self, task: _Task, listener: Listener) -> None:
        import ray

        del self._tasks[task.token]
        # Whoever still writes under this name was given up for dead.
        ray.get(self._mailbox.close.remote(task.token))
        try:
            ending: Ending = ray.get(task.reference)
        except ray.exceptions.RayTaskError as error:
            ending = Ending("broken", reason=str(error), error=error.cause)
        except ray.exceptions.RayError as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else ""
            ending = Ending("died", reason=f"{type(error).__name__}: {first}".rstrip(": "))
        self._memory = max(self._memory, ending.memory or 0)
        seconds = time.monotonic() - task.started
        listener.ended(task.job.key, dataclasses.replace(ending, seconds=seconds))


def train(mailbox: Any, token: str, objective: Objective, job: Job, worker: int) -> Ending:  # noqa: ANN401 - a handle of Ray's
    """Train in a worker of Ray's, which has set the threads and the device already."""
    import ray

    begun = resident()

    def ask(epoch: int, score: float, curves: Curves) -> bool:
        answer = ray.get(mailbox.ask.remote(token, ("epoch", epoch, score, curves)))
        return True if _ends(answer) else bool(answer)

    def show(step: object) -> None:
        _ends(ray.get(mailbox.tell.remote(token, ("step", step))))

    desk = Desk(job, Seat(0, 1), ask, show)
    try:
        ending = attempt(objective, job, desk)
    except (Interrupted, KeyboardInterrupt):
        ending = Ending("interrupted")
    node = ray.get_runtime_context().get_node_id()[:8]
    return dataclasses.replace(
        desk.told(ending),
        memory=max(0, peak() - begun) if begun else None,
        worker=f"{node}/{worker}",
    )


def _ends(answer: bool | None) -> bool:
    """End this process' training in order when nobody wants it any more."""
    if answer is not None:
        return False
    # A training with checkpoints hears it, saves and raises; any other ends with its process.
    signal.raise_signal(signal.SIGTERM)
    return True


def _cores(nodes: list[dict[str, Any]]) -> list[float]:
    """Return the cores of each machine that lives."""
    return [node["Resources"].get("CPU", 0.0) for node in nodes if node["Alive"]]


def _listens(address: str | None) -> None:
    """Look whether anything listens at `host:port`: Ray itself would look for minutes."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdecimal() or "//" in host:
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise _silent(address, error) from error


def _silent(address: str | None, error: BaseException) -> TouchstoneError:
    return TouchstoneError(
        f"search.address: no Ray cluster answers at {address!r}: {error}",
        "start it, or write null to start one on this machine",
    )


def _installed() -> Any:  # noqa: ANN401 - a module that may be absent
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise TouchstoneError(
            "search.engine: ray needs Ray, which is not installed",
            "install the project with its extra `ray`, or write local",
        ) from error
    return ray
