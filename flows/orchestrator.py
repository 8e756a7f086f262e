"""In: a flow and its arguments. Out: its result, told to Prefect's server if that can be had.

A server that goes away in the middle of a run is waited for; one that stays away is given up, and
the run goes on without it. What a stage has done is never lost because nobody writes it down.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from components.errors import Away, TouchstoneError
from components.patience import Backend, unreachable, wait_out
from flows import server
from flows.stage import PARENT, STATE, WAIT_SECONDS, as_json

# "Not now", as a proxy says whose server is gone, or a server whose database is.
GATEWAY: Final = frozenset({502, 503, 504})


class Line(httpx.BaseTransport):
    """The line to Prefect's server, which waits when nobody answers.

    It lies below Prefect's own client, whose few silent attempts would otherwise come first.
    """

    def __init__(self, inner: httpx.BaseTransport, backend: Backend, seconds: float) -> None:
        self._inner = inner
        self._backend = backend
        self._seconds = seconds
        # Once it was away too long, nothing that comes later may contradict that.
        self.given_up: Away | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request until somebody answers.

        Raises:
            Away: nobody did in time, now or before.
        """
        if self.given_up is not None:
            raise self.given_up
        try:
            return wait_out([self._backend], self._seconds, lambda: self._once(request))
        except Away as error:
            self.given_up = error
            raise

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()

    def _once(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if answer.status_code in GATEWAY:
            answer.close()
            raise ConnectionError(f"status {answer.status_code}")
        return answer


class Kept:
    """What a flow's function did, whatever becomes of its run."""

    def __init__(self) -> None:
        self.done = False
        self.result: object = None
        self.error: Exception | None = None

    def noting(self, function: Callable[..., object]) -> Callable[..., object]:
        """Return the function, which leaves here what comes of it."""

        @functools.wraps(function)
        def noted(*args: object, **kwargs: object) -> object:
            try:
                self.result = function(*args, **kwargs)
            except Exception as error:
                self.error = error
                raise
            self.done = True
            return self.result

        return noted


def backend(state: Path, url: str) -> Backend:
    """Return the Prefect server at `url` as something to wait for; one of our own is revived."""
    own = _is_own(state, url)
    cure = "`make up` starts it" if own else "start it, or unset PREFECT_API_URL to use a local one"

    def answers() -> bool:
        # Asked each time: who stops it on purpose removes its record.
        if _is_own(state, url) and server.recorded(state) is None:
            with contextlib.suppress(TouchstoneError):
                server.boot_server(state, httpx.URL(url).port)
        return server.healthy(url)

    return Backend(f"Prefect at {url}", cure, unreachable_by_httpx, answers)


def unreachable_by_httpx(error: BaseException) -> bool:
    """Tell whether nobody answered; httpx leaves a server's silence without a cause."""
    return unreachable(error) or isinstance(error, httpx.TransportError)


def run(flow: Any, arguments: Mapping[str, Any]) -> object:  # noqa: ANN401
    """Create the flow run, under the release that started this process if one did, and run it.

    Args:
        flow: Prefect's flow.
        arguments: that its function gets.

    Raises:
        Away: the server was away too long before the function had begun.
    """
    from prefect.flow_engine import run_flow
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.states import Pending

    # Prefect would print that a line of a log was not delivered, one paragraph each.
    logging.raiseExceptions = False
    kept = Kept()
    noted = flow.with_options()
    noted.fn = kept.noting(flow.fn)
    context, line = _patient_client()
    # The caller (DVC, a terminal, or a release that has its own heartbeat) sees this process end.
    try:
        with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), context:
            flow_run = context.client.create_flow_run(
                flow,
                name=f"{flow.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
                parameters={name: as_json(value) for name, value in arguments.items()},
                state=Pending(),
                parent_task_run_id=_parent_task_run(context.client, flow.name),
            )
            return run_flow(noted, flow_run=flow_run, parameters=dict(arguments))
    except Exception:
        # Prefect may have made another error of it.
        if line.given_up is None:
            raise
        if not kept.done:
            raise (kept.error or line.given_up) from None
    sys.stderr.write(f"{line.given_up.what}: the work is done, and its run's page lacks that\n")
    return kept.result


def _patient_client() -> tuple[Any, Line]:
    """Return the context of the client that all share which ask Prefect synchronously."""
    from prefect.context import SyncClientContext

    context = SyncClientContext()
    below = context.client._client
    there = backend(STATE, os.environ["PREFECT_API_URL"])
    line = Line(below._transport, there, WAIT_SECONDS)
    below._transport = line
    return context, line


def _parent_task_run(client: Any, verb: str) -> Any:  # noqa: ANN401
    """Return the id of a task run in the parent flow that stands for this stage, or None.

    The parent lives in another process (a release started DVC, which started this one), so the
    link that Prefect makes for subflows in one process is made here by hand.
    """
    parent = os.environ.get(PARENT)
    if not parent:
        return None
    from uuid import UUID

    from prefect import Task
    from prefect.states import Pending

    def stands_for_subflow() -> None:
        """Never called: the task run only links the parent to the subflow."""

    return client.create_task_run(
        task=Task(stands_for_subflow, name=verb),
        flow_run_id=UUID(parent),
        dynamic_key=f"{verb}-{time.time_ns()}",
        name=verb,
        state=Pending(),
    ).id


def _is_own(state: Path, url: str) -> bool:
    """Tell whether this project's own server had that address when it was last booted."""
    try:
        recorded = json.loads((server.home(state) / "server.json").read_bytes())
        return bool(recorded["url"] == url)
    except (OSError, ValueError, KeyError, TypeError):
        return False
