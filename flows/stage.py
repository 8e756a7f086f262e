"""In: a verb, params.yaml and the command line. Out: one Prefect flow run, and its exit code."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Final

from components.params import Params
from components.params.sections import Section
from components.tasks.base import TaskOptions
from flows import server

STATE: Final = Path(".state")
# Seconds that MLflow, the ledger or Prefect's server may be away before a run ends, resumable.
WAIT_SECONDS: Final = float(os.environ.get("TOUCHSTONE_PATIENCE", "120"))
PARAMS: Final = Path("params.yaml")
PARENT: Final = "TOUCHSTONE_PARENT_FLOW_RUN"
# Names a file that gets the exit code of every stage: DVC keeps it to itself.
OUTCOME: Final = "TOUCHSTONE_OUTCOME"
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
    "probe",
    "release",
    "history",
    "lineage",
    "doctor",
    "learning_curve",
    "pretrain",
    "topics",
)
# They move nothing on the line: no flow run is made of them, and no server is booted for them.
LOOKS: Final = frozenset(
    {"probe", "history", "lineage", "doctor", "learning_curve", "pretrain", "topics"}
)


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
    from flows import orchestrator

    return str(orchestrator.run(flow, arguments))


def help_of(verb: str) -> str:
    """Return a flow's command line as text."""
    return parser_of(verb, function_of(verb)).format_help()


def as_json(value: Any) -> Any:  # noqa: ANN401
    """Return a flow argument as Prefect shall show it."""
    if isinstance(value, TaskOptions):
        return value.stored()
    if isinstance(value, Section):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, Path) else value


def summary(verb: str, seconds: float, figure: str) -> str:
    """Return the one line that a stage leaves on the terminal."""
    return f"{verb:<9} {seconds:7.1f} s  {figure}"
