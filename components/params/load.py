"""In: a YAML file, and values laid over it. Out: a checked `Params`, or every mistake at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, ConfigDict, ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from components.errors import ParamsError
from components.params.mistakes import list_mistakes
from components.params.sections import Params, Section
from components.tasks import options_type, task_kinds
from components.tasks.base import TaskOptions

S = TypeVar("S", bound=Section)
KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def load_params(path: Path) -> Params:
    """Read params.yaml.

    Raises:
        ParamsError: the file is absent, no YAML, or breaks rules; all of them are listed, each
            with its dotted name, the rule and the value found.
    """
    return check_params(read_tree(path), str(path))


def check_params(tree: Mapping[str, Any], origin: str) -> Params:
    """Return the values of a whole params.yaml as checked sections.

    Raises:
        ParamsError: lists every mistake; `origin` names where the values came from.
    """
    task = tree.get("task")
    kind = task.get("kind") if isinstance(task, dict) else None
    known = isinstance(kind, str) and kind in task_kinds()
    options = options_type(str(kind)) if known else _UnknownTask
    model = create_model("Params", __base__=Params, task=(options, ...))
    return _validate(model, tree, origin, prefix="")


def check_tree(model: type[S], tree: Mapping[str, Any], origin: str) -> S:
    """Return the values of a file as a checked section.

    Raises:
        ParamsError: lists every mistake; `origin` names where the values came from.
    """
    return _validate(model, tree, origin, prefix="")


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
    return parse_tree(read_yaml_text(path), str(path))


def read_yaml_text(path: Path) -> str:
    """Read a file of parameters as text.

    Raises:
        ParamsError: the file is absent, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ParamsError(f"{path} is missing", f"`git checkout {path}` restores it") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8: {error}", "save it as UTF-8") from error
    except OSError as error:
        raise ParamsError(f"{path} cannot be read: {error}", "give the path of a file") from error


def parse_tree(text: str, origin: str) -> dict[str, Any]:
    """Parse YAML 1.2 into plain values.

    Raises:
        ParamsError: the text is no YAML, or no mapping.
    """
    try:
        tree = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ParamsError(
            f"{origin} is not valid YAML: {where(error)}", "mend that line"
        ) from error
    if not isinstance(tree, dict):
        found = "an empty file" if tree is None else type(tree).__name__
        raise ParamsError(
            f"{origin}: expected sections, found {found}",
            "write sections such as `training:` with their fields below",
        )
    if guessed := list(_guessed_keys(tree, ())):
        listed = "\n".join(f"  {name}: is read as no text, but as {kind}" for name, kind in guessed)
        raise ParamsError(f"{origin}: keys must be text\n{listed}", "quote them")
    return tree


def _guessed_keys(value: object, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every key that YAML took for a number or the like: it may have lost its spelling."""
    if isinstance(value, dict):
        for key, inner in value.items():
            here = (*place, str(key))
            if not isinstance(key, str):
                yield ".".join(here), KINDS.get(type(key), type(key).__name__)
            yield from _guessed_keys(inner, here)


def where(error: YAMLError) -> str:
    """Return what the parser found wrong, with line and column where it knows them."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} at line {mark.line + 1}, column {mark.column + 1}"
    return str(error).splitlines()[0]


def _known_kind(kind: str) -> str:
    raise ValueError(f"must name a file of components/tasks: {', '.join(task_kinds())}")


class _UnknownTask(TaskOptions):
    """Stands in for the options of a kind that is not there, so that the rest is checked too."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, AfterValidator(_known_kind)]


def _validate(model: type[S], tree: Mapping[str, Any], origin: str, prefix: str) -> S:
    try:
        # JSON mode: lists become tuples, yet "3" is no number and 1.0 is no whole number.
        return model.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        lines = list_mistakes(error, model, prefix)
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        listed = "\n".join(f"  {line}" for line in lines)
        raise ParamsError(f"{origin}: {count}\n{listed}", f"mend {origin} and run again") from error
