"""In: a YAML file, and values laid over it. Out: a checked `Params`, or every mistake at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from components.errors import ParamsError
from components.params.sections import Params, Section
from components.tasks import options_type

S = TypeVar("S", bound=Section)


def load_params(path: Path) -> Params:
    """Read params.yaml.

    Raises:
        ParamsError: the file is absent, no YAML, or breaks rules; all of them are listed, each
            with its dotted name, the rule and the value found.
    """
    tree = read_tree(path)
    kind = tree["task"].get("kind") if isinstance(tree.get("task"), dict) else None
    if not isinstance(kind, str):
        raise ParamsError(f"{path}: task.kind: missing", "name one file of components/tasks")
    model = create_model("Params", __base__=Params, task=(options_type(kind), ...))
    return _validate(model, tree, str(path), prefix="")


def overlay(section: S, values: Mapping[str, Any], origin: str) -> S:
    """Return the section with `values` laid over it, checked again as a whole.

    Raises:
        ParamsError: the result breaks a rule; `origin` names where the values came from.
    """
    name = type(section).__name__.removesuffix("Params").lower()
    tree = section.model_dump(mode="json") | dict(values)
    return _validate(type(section), tree, origin, prefix=f"{name}.")


def read_tree(path: Path) -> dict[str, Any]:
    """Read YAML 1.2; a key that stands twice, or anything but a mapping, is refused.

    Raises:
        ParamsError: with line and column where the parser knows them.
    """
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{path} is missing", "`git checkout params.yaml` restores it") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8: {error}", "save it as UTF-8") from error
    except YAMLError as error:
        raise ParamsError(f"{path} is not valid YAML: {_where(error)}", "mend that line") from error
    if not isinstance(tree, dict):
        raise ParamsError(f"{path}: expected sections, found {type(tree).__name__}")
    return tree


def _where(error: YAMLError) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} at line {mark.line + 1}, column {mark.column + 1}"
    return str(error).splitlines()[0]


def _validate(model: type[S], tree: Mapping[str, Any], origin: str, prefix: str) -> S:
    try:
        # JSON mode: lists become tuples, yet "3" is no number and 1.0 is no whole number.
        return model.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        lines = sorted(set(_mistakes(error, model, prefix)))
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        listed = "\n".join(f"  {line}" for line in lines)
        raise ParamsError(f"{origin}: {count}\n{listed}", f"mend {origin} and run again") from error


def _mistakes(error: ValidationError, model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield one line per mistake: dotted name, rule, value found, cure."""
    for detail in error.errors(include_url=False):
        # A union's branch names (Range, Choice) are no part of the user's path.
        path = [str(p) for p in detail["loc"] if not str(p)[:1].isupper()]
        name = prefix + ".".join(path)
        if detail["type"] == "extra_forbidden":
            close = _closest(model, path)
            yield f"{name}: unknown field" + (f" (did you mean {prefix}{close}?)" if close else "")
        elif detail["type"] == "missing":
            yield f"{name}: missing"
        else:
            rule = detail["msg"].removeprefix("Value error, ")
            value = detail["input"]
            found = "" if isinstance(value, dict) else f", found {json.dumps(value)}"
            yield f"{name or origin_of(model)}: {rule[0].lower()}{rule[1:]}{found}"


def origin_of(model: type[BaseModel]) -> str:
    """Return a section's name in params.yaml."""
    return model.__name__.removesuffix("Params").lower()


def _closest(model: type[BaseModel], path: list[str]) -> str | None:
    """Return the dotted name of the known field that is spelled most like the last of `path`."""
    current: Any = model
    for part in path[:-1]:
        field = current.model_fields.get(part)
        current = field.annotation if field else None
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return None
    close = difflib.get_close_matches(path[-1], current.model_fields, n=1, cutoff=0.6)
    return ".".join([*path[:-1], close[0]]) if close else None
