"""In: a verb, params.yaml and the command line. Out: one Prefect flow run, and its exit code."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import time
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Final

from components.params import Params
from components.params.sections import Section
from components.tasks.base import TaskOptions
from flows import server

STATE: Final = Path(".state")
# How long a server that does not answer is waited for.
WAIT_SECONDS: Final = float(os.environ.get("TOUCHSTONE_WAIT_SECONDS", "30"))
PARAMS: Final = Path("params.yaml")
PARENT: Final = "TOUCHSTONE_PARENT_FLOW_RUN"
# JSON of verb to modules that are imported before the flow starts: tells imports from work.
PRELOAD: Final = "TOUCHSTONE_PRELOAD_BY_STAGE"

# In the order of the line; what follows the gate changes the world.
VERBS: Final = (
    "ingest",
    "validate",
    "augment",
    "tokenize",
    "search",
    "train",
    "export",
    "evaluate",
    "register",
    "gate",
    "promote",
    "rollback",
    "release",
    "history",
    "lineage",
    "doctor",
)
# They only look: no flow run is made of them, and no server is booted for them.
LOOKS: Final = frozenset({"history", "lineage", "doctor"})


def flow_of(verb: str) -> Any:  # noqa: ANN401 - Prefect's Flow, which must not be imported yet
    """Import the flow, or what only looks, that a file of this folder is named after."""
    return getattr(importlib.import_module(f"flows.{verb}"), verb)


def function_of(verb: str) -> Any:  # noqa: ANN401
    """Import the function of a verb, bare of Prefect."""
    found = flow_of(verb)
    return found if verb in LOOKS else found.fn


def sections_of(function: Any) -> dict[str, str]:  # noqa: ANN401
    """Return a flow's parameters that are sections of params.yaml, as name to section."""
    hints = typing.get_type_hints(function)
    return {
        name: name
        for name in inspect.signature(function).parameters
        if _is_section(hints.get(name))
    }


def _is_section(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section | TaskOptions)


def parser_of(verb: str, function: Any) -> argparse.ArgumentParser:  # noqa: ANN401
    """Return a verb's command line: one option per parameter that is no section.

    What a verb that only looks cannot do without is an argument, not an option.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m flows {verb}",
        description=inspect.getdoc(function),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Reads from params.yaml: " + (", ".join(sections_of(function)) or "nothing"),
    )
    hints = typing.get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        if _is_section(hints[name]):
            continue
        required = parameter.default is inspect.Parameter.empty
        if required and verb in LOOKS:
            parser.add_argument(name, type=_plain_type(hints[name]))
            continue
        flag = "--" + name.replace("_", "-")
        if hints[name] is bool:
            parser.add_argument(flag, action="store_true", default=parameter.default)
        else:
            parser.add_argument(
                flag,
                type=_plain_type(hints[name]),
                required=required,
                default=None if required else parameter.default,
            )
    return parser


def _plain_type(hint: Any) -> Any:  # noqa: ANN401
    """Return the type of `X | None` as X."""
    if isinstance(hint, UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def bind(function: Any, params: Params, options: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Return a flow's arguments: its sections from params.yaml, the rest from the command line."""
    return {name: getattr(params, name) for name in sections_of(function)} | dict(options)


def run(verb: str, argv: Sequence[str], params: Params) -> str:
    """Run one flow against the shared server and return its one-line figure.

    The server boots, when none runs yet, while this process imports what the flow needs. What
    only looks is called as it is.

    Raises:
        TouchstoneError: what the flow raised, for a person.
    """
    if verb in LOOKS:
        look = function_of(verb)
        return str(look(**bind(look, params, vars(parser_of(verb, look).parse_args(argv)))))
    named = os.environ.get("PREFECT_API_URL")
    own = None if named else server.boot_server(STATE)
    os.environ["PREFECT_API_URL"] = named or (own.url if own else "")
    flow = flow_of(verb)
    arguments = bind(flow.fn, params, vars(parser_of(verb, flow.fn).parse_args(argv)))
    for name in json.loads(os.environ.get(PRELOAD, "{}")).get(verb, ()):
        importlib.import_module(name)
    if own is None:
        server.ensure_server(STATE, patience=WAIT_SECONDS)
    else:
        server.wait_for(STATE, own)
    return str(_engine(flow, arguments))


def help_of(verb: str) -> str:
    """Return a flow's command line as text."""
    return parser_of(verb, function_of(verb)).format_help()


def _engine(flow: Any, arguments: Mapping[str, Any]) -> object:  # noqa: ANN401
    """Create the flow run, under the release that started this process if one did, and run it."""
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.states import Pending

    # The caller (DVC, a terminal, or a release that has its own heartbeat) sees this process end.
    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        with get_client(sync_client=True) as client:
            flow_run = client.create_flow_run(
                flow,
                name=f"{flow.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
                parameters={name: as_json(value) for name, value in arguments.items()},
                state=Pending(),
                parent_task_run_id=_parent_task_run(client, flow.name),
            )
        return run_flow(flow, flow_run=flow_run, parameters=dict(arguments))


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


def as_json(value: Any) -> Any:  # noqa: ANN401
    """Return a flow argument as Prefect shall show it."""
    if isinstance(value, Section | TaskOptions):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, Path) else value


def summary(verb: str, seconds: float, figure: str) -> str:
    """Return the one line that a stage leaves on the terminal."""
    return f"{verb:<9} {seconds:7.1f} s  {figure}"
