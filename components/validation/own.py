"""In: the user's suite.yaml. Out: the rules that it adds, checked before a row is read.

rules:
  - name: no text is a form letter
    frame: rows
    expectation: ExpectColumnValuesToNotMatchRegex
    arguments: {column: text, regex: "^Dear customer"}
"""

from __future__ import annotations

import difflib
import io
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from ruamel.yaml import YAML

from components.errors import ParamsError
from components.files import write_text
from components.params.base import Section
from components.params.load import check_tree, read_tree
from components.validation.rules import ROWS, Rule

SUITE: Final = "suite.yaml"
# Arguments that name columns of the frame.
COLUMNS_IN: Final = ("column", "column_A", "column_B", "column_list")
PATTERNS_IN: Final = ("regex", "regex_list")
# These ask for a column that may be absent.
ABSENT: Final = ("ExpectColumnToExist", "ExpectTableColumnsToMatchOrderedList")
# They compare with other sources, and there are none.
ELSEWHERE: Final = ("ExpectQueryResultsToMatchComparison", "ExpectTableRowCountToEqualOtherTable")
# The library asks them of what is in memory alone, or fails on what SQLite answers.
IN_MEMORY: Final = (
    "ExpectColumnQuantileValuesToBeBetween", "ExpectColumnValuesToBeDateutilParseable",
    "ExpectColumnValuesToBeDecreasing", "ExpectColumnValuesToBeIncreasing",
    "ExpectColumnValuesToBeJsonParseable", "ExpectColumnValuesToMatchJsonSchema",
    "ExpectColumnValuesToMatchStrftimeFormat",
)  # fmt: skip
# The library's own affairs; every rule enforces.
RESERVED: Final = frozenset({
    "id", "meta", "notes", "description", "severity", "result_format", "catch_exceptions",
    "rendered_content", "batch_id", "windows",
})  # fmt: skip
ROOT: Final = "__root__"
_HEAD: Final = """\
# Every rule that these data were checked against, in the form of the suite that params.yaml names
# in validation.suite: copy one there, give it a name of its own, and change what it asks.
"""


class OwnRule(Section):
    """One rule of the user."""

    name: Annotated[str, Field(min_length=1)]
    """What must hold, in plain words."""
    frame: Literal["rows", "labels", "totals"]
    """What it is asked of: the accepted rows, a row per label, or one row of totals."""
    expectation: str
    """The class of great_expectations.expectations."""
    arguments: dict[str, Any]
    """The arguments of that class."""


class Suite(Section):
    """The rules of the user."""

    rules: tuple[OwnRule, ...]
    """In the order in which they are told; an empty list adds none."""


def own_rules(
    path: Path, columns: Mapping[str, Sequence[str]], taken: Sequence[Rule]
) -> list[Rule]:
    """Return the user's rules.

    Args:
        path: the file.
        columns: the names that there are, by frame.
        taken: the rules that are always there.

    Raises:
        ParamsError: the file is absent or malformed, or a rule cannot be asked; lists every
            mistake.
    """
    suite = check_tree(Suite, read_tree(path), str(path))
    if not suite.rules:
        return []
    lines = [
        f"  rules.{number}.{line}"
        for number, rule in enumerate(suite.rules)
        for line in (
            *_name_mistakes(number, suite.rules, {one.name for one in taken}),
            *_mistakes(rule, columns[rule.frame]),
        )
    ]
    if lines:
        count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        listed = "\n".join(lines)
        raise ParamsError(f"{path}: {count}\n{listed}", f"mend {path} and run again")
    return [Rule(one.name, one.frame, one.expectation, one.arguments, path) for one in suite.rules]


def write_suite(path: Path, rules: Sequence[Rule]) -> None:
    """Write rules in the form in which the user's are read."""
    listed = [
        {
            "name": rule.name,
            "frame": rule.frame,
            "expectation": rule.expectation,
            "arguments": dict(rule.options),
        }
        for rule in rules
    ]
    yaml, text = YAML(), io.StringIO()
    yaml.width = 100
    yaml.dump({"rules": listed}, text)
    write_text(path, _HEAD + text.getvalue())


def _name_mistakes(number: int, rules: Sequence[OwnRule], taken: set[str]) -> Iterator[str]:
    name = rules[number].name
    if name in taken:
        yield f"name: is that of a rule that is always there, found {name!r} (choose another)"
    if name in {one.name for one in rules[:number]}:
        yield f"name: stands twice, found {name!r} (every rule has a name of its own)"


def _mistakes(rule: OwnRule, columns: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a rule's expectation and its arguments."""
    kinds = _expectations()
    if rule.expectation not in kinds:
        yield f"expectation: there is none of this name, found {rule.expectation!r}" + (
            _meant(rule.expectation, list(kinds))
        )
        return
    if rule.expectation in IN_MEMORY and rule.frame == ROWS:
        yield (
            "expectation: cannot be asked of rows, which need not fit into memory, found "
            f"{rule.expectation!r} (ask labels or totals, or in a regular expression)"
        )
    arguments = rule.arguments
    for name in sorted(RESERVED & arguments.keys()):
        yield f"arguments.{name}: is not the user's to set (every rule enforces)"
    for name in COLUMNS_IN if rule.expectation not in ABSENT else ():
        for column in _listed(arguments.get(name)):
            if column not in columns:
                yield (
                    f"arguments.{name}: {rule.frame} has no such column, found {column!r}"
                    f"{_meant(column, columns)}; there are: {', '.join(columns)}"
                )
    for name in PATTERNS_IN:
        for pattern in _listed(arguments.get(name)):
            try:
                re.compile(pattern)
            except re.error as error:
                yield f"arguments.{name}: is no regular expression ({error}), found {pattern!r}"
    yield from _refused(kinds[rule.expectation], arguments)


def _refused(kind: Any, arguments: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401
    """Yield what the library says against the arguments, one line each."""
    fields = [name for name in kind.__fields__ if name not in RESERVED]
    try:
        kind(**{name: value for name, value in arguments.items() if name not in RESERVED})
    except ValueError as error:
        # A union complains once for each of its types.
        told = {one["loc"][0]: one for one in reversed(getattr(error, "errors", list)())}
        for name, one in sorted(told.items()):
            if one["type"] == "value_error.extra":
                yield f"arguments.{name}: {kind.__name__} has none such" + _meant(name, fields)
            elif one["type"] == "value_error.missing":
                yield f"arguments.{name}: missing; {kind.__name__} needs it"
            elif name == ROOT:
                yield f"arguments: {one['msg']}"
            else:
                yield f"arguments.{name}: {one['msg']}, found {arguments.get(name)!r}"
        if not told:
            yield f"arguments: {error}"


def _expectations() -> dict[str, Any]:
    """Return the classes of the library by name; importing it takes seconds, hence only here."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are no concern of users
        import great_expectations.expectations as library
    named = {name: getattr(library, name) for name in dir(library)}
    base = library.Expectation
    return {
        name: kind
        for name, kind in named.items()
        if isinstance(kind, type)
        and issubclass(kind, base)
        and kind is not base
        and name not in ELSEWHERE
    }


def _listed(value: object) -> list[str]:
    """Return the texts of an argument that holds one or several."""
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, str)]


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
