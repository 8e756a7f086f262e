"""In: every source file. Out: the house figures that no linter checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("components", "flows", "infra", "benchmarks")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
FILE_LINES = 300
FUNCTION_LINES = 50
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|root|Users|work|opt|mnt)/\w")


def broken(rule: Callable[[Path], object]) -> dict[str, object]:
    """Return, by file, whatever a rule finds wrong with it."""
    found = ((path.relative_to(ROOT).as_posix(), rule(path)) for path in FILES)
    return {name: mistake for name, mistake in found if mistake}


def lines_of_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines; its docstring may be as long as its contract needs."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def test_there_are_sources() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(FOLDERS)


def test_first_line_says_what_goes_in_and_what_comes_out() -> None:
    def rule(path: Path) -> bool:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        return re.match(r"In: .*\sOut: \S", docstring.split("\n\n")[0], re.DOTALL) is None

    assert broken(rule) == {}


def test_files_are_short() -> None:
    def rule(path: Path) -> int | None:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return lines if lines > FILE_LINES else None

    assert broken(rule) == {}


def test_functions_are_short() -> None:
    def rule(path: Path) -> dict[str, int]:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        sizes = {
            node.name: lines_of_code(node)
            for node in nodes
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        return {name: size for name, size in sizes.items() if size > FUNCTION_LINES}

    assert broken(rule) == {}


def test_no_file_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert broken(lambda path: path.stem in nothing) == {}


def test_sources_name_no_place_of_one_machine() -> None:
    assert broken(lambda path: MACHINE_PATH.findall(path.read_text(encoding="utf-8"))) == {}


def test_nothing_is_left_to_do_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert broken(lambda path: later.findall(path.read_text(encoding="utf-8"))) == {}
