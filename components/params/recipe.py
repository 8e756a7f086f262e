"""In: a recipe and params.yaml. Out: params.yaml with the recipe laid over it, comments kept."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.tokens import CommentToken

from components.errors import ParamsError
from components.files import write_text
from components.params.load import check_params, parse_tree, read_yaml_text
from components.params.mistakes import inside
from components.params.sections import Params


def apply_recipe(recipe: Path, params: Path) -> list[str]:
    """Lay a partial params.yaml over params.yaml; the file is replaced only by a valid one.

    Sections are merged field by field. Lists, and tables whose keys are the user's own, such as
    `search.space`, `ingestion.columns.fields` and `encoder.sha256`, are replaced whole; so is
    `task` when its kind changes.

    Returns:
        The dotted names whose values changed, in the recipe's order.

    Raises:
        ParamsError: the recipe is absent, names an unknown field, or leads to a broken rule.
    """
    if not recipe.is_file():
        known = ", ".join(sorted(path.stem for path in recipe.parent.glob("*.yaml")))
        raise ParamsError(f"{recipe} is missing", f"choose one of: {known or 'there are none'}")
    tree, overlay = (_load(path) for path in (params, recipe))
    merge = _Merge()
    merge.section(tree, overlay, Params, ())
    if merge.unknown:
        listed = "\n".join(f"  {line}" for line in merge.unknown)
        raise ParamsError(f"{recipe}: unknown fields\n{listed}", f"mend {recipe}")
    text = _dump(tree)
    origin = f"{params} with {recipe}"
    check_params(parse_tree(text, origin), origin)
    if merge.changed:
        write_text(params, text)
    return merge.changed


class _Representer(RoundTripRepresenter):
    """Writes null as `null`, as params.yaml does, and not as nothing."""


_Representer.add_representer(
    type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(path: Path) -> CommentedMap:
    text = read_yaml_text(path)
    parse_tree(text, str(path))
    tree: CommentedMap = _yaml().load(text)
    return tree


def _dump(tree: CommentedMap) -> str:
    buffer = io.StringIO()
    _yaml().dump(tree, buffer)
    return buffer.getvalue()


@dataclass
class _Merge:
    """What merging found."""

    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def section(
        self, node: CommentedMap, overlay: CommentedMap, model: object, place: tuple[str, ...]
    ) -> None:
        """Lay the fields of one section over it."""
        for key, value in overlay.items():
            name = ".".join([*place, str(key)])
            if key not in node:
                self.unknown.append(f"{name}: {_meant(str(key), node, place)}")
                continue
            annotation = inside(model, str(key))
            if _merges(node[key], value, annotation):
                self.section(node[key], value, annotation, (*place, str(key)))
            elif node[key] != value:
                self.changed.append(name)
                fresh = _fresh(value)
                _keep_kind(node[key], fresh)
                _replace(node, key, fresh)


def _meant(key: str, node: CommentedMap, place: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, [str(known) for known in node], n=1)
    return f"did you mean {'.'.join([*place, *close])}?" if close else "params.yaml has none"


def _merges(node: object, value: object, annotation: object) -> bool:
    if not (isinstance(node, CommentedMap) and isinstance(value, CommentedMap)):
        return False
    if value.get("kind", node.get("kind")) != node.get("kind"):
        return False
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fresh(value: Any) -> Any:  # noqa: ANN401 - YAML values
    """Copy a recipe's value in its own style, without its comments."""
    copy: CommentedMap | CommentedSeq
    if isinstance(value, CommentedMap):
        copy = CommentedMap((key, _fresh(inner)) for key, inner in value.items())
    elif isinstance(value, CommentedSeq):
        copy = CommentedSeq(_fresh(inner) for inner in value)
    else:
        return value
    if value.fa.flow_style():
        copy.fa.set_flow_style()
    return copy


def _keep_kind(old: object, new: object) -> None:
    """Keep what is said of a field `kind`: it holds for any."""
    if not (isinstance(old, CommentedMap) and isinstance(new, CommentedMap)):
        return
    if "kind" in new and "kind" in list(old)[:-1] and "kind" in old.ca.items:
        new.ca.items["kind"] = old.ca.items["kind"]


def _replace(node: CommentedMap, key: str, value: Any) -> None:  # noqa: ANN401 - YAML values
    """Put `value` in place; what stands between this field and the next one stays there.

    ruamel hangs the lines below a field, blank ones and comments, on its last entry, however
    deep that lies: replacing the field would take the next section's heading away.
    """
    *_, (old, old_key, slot) = _last_entries(node, key)
    token = (old.ca.items.get(old_key) or [None] * 4)[slot]
    node[key] = value
    *_, (new, new_key, new_slot) = _last_entries(node, key)
    if token is None or new is old:
        return
    if old is node:
        del node.ca.items[key]
    below = token.value[token.value.index("\n") :]
    entry: list[CommentToken | None] = [None] * 4
    entry[new_slot] = CommentToken(below, CommentMark(0), None)
    new.ca.items[new_key] = entry


def _last_entries(node: CommentedMap, key: str) -> Iterator[tuple[Any, Any, int]]:
    """Yield the way from a field down to its last entry: container, key, slot of its comment."""
    place: tuple[Any, Any, int] = (node, key, 2)
    yield place
    while True:
        container, at, _ = place
        inner = container[at]
        if not isinstance(inner, CommentedMap | CommentedSeq) or not inner or inner.fa.flow_style():
            return
        is_map = isinstance(inner, CommentedMap)
        place = (inner, list(inner)[-1] if is_map else len(inner) - 1, 2 if is_map else 0)
        yield place
