"""In: what pydantic found wrong. Out: one line per mistake: dotted name, rule, value, cure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

SHOWN: Final = 100


def list_mistakes(error: ValidationError, model: type[BaseModel], prefix: str) -> list[str]:
    """Return one line per mistake, in the order of the fields, none twice.

    Args:
        error: raised by `model`.
        model: a section, or the whole tree.
        prefix: what stands before every dotted name, such as `training.`.
    """
    details = [dict(detail) for detail in error.errors(include_url=False)]
    lines = (_line(detail, model, prefix) for detail in details if not _follows(detail))
    return list(dict.fromkeys(lines))


def _follows(detail: dict[str, Any]) -> bool:
    """Tell a list that is too short only because its entries are wrong, which are reported."""
    short = detail["type"] == "too_short"
    return short and bool(len(detail["input"]) >= detail["ctx"]["min_length"])


def _line(detail: dict[str, Any], model: type[BaseModel], prefix: str) -> str:
    place = [str(part) for part in detail["loc"]]
    # The tag of a union's branch, <range>, is no part of what the user wrote.
    name = (prefix + ".".join(p for p in place if not _is_tag(p))).rstrip(".")
    match detail["type"]:
        case "extra_forbidden":
            close = _closest(model, place)
            return f"{name}: unknown field" + (f" (did you mean {prefix}{close}?)" if close else "")
        case "missing":
            return f"{name}: missing"
        case "string_type" if isinstance(detail["input"], int | float):
            return f"{name}: input should be text, found {_show(detail['input'])} (quote it)"
        case "too_short":
            needed = detail["ctx"]["min_length"]
            return f"{name}: needs at least {needed} entries{_found(detail['input'])}"
        case "model_type" | "dataclass_type" | "model_attributes_type":
            return f"{name}: must hold fields{_found(detail['input'])}"
    rule = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {rule[:1].lower()}{rule[1:]}{_found(detail['input'])}"


def _found(value: object) -> str:
    # A rule between fields already names them; their whole section would say no more.
    return "" if isinstance(value, dict) else f", found {_show(value)}"


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _is_tag(part: str) -> bool:
    return part.startswith("<") and part.endswith(">")


def _closest(model: type[BaseModel], place: list[str]) -> str | None:
    """Return the dotted name of the known field that is spelled most like the last of `place`."""
    current: Any = model
    for part in place[:-1]:
        current = inside(current, part)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return None
    close = difflib.get_close_matches(place[-1], current.model_fields, n=1, cutoff=0.6)
    return ".".join(p for p in [*place[:-1], *close] if not _is_tag(p)) if close else None


def inside(annotation: Any, part: str) -> Any:  # noqa: ANN401 - annotations have no narrower type
    """Return the annotation of what `part` names inside a value of type `annotation`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(part)
        return _bare(field.annotation) if field else None
    if isinstance(get_origin(annotation), type) and issubclass(get_origin(annotation), Mapping):
        return _bare(get_args(annotation)[1])
    for member in get_args(annotation):
        if any(isinstance(m, Tag) and m.tag == part for m in getattr(member, "__metadata__", ())):
            return _bare(member)
    return None


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no narrower type
    """Take off Annotated and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation
