"""In: a verdict. Out: a page that opens offline and says why, and Markdown for a pull request.

Both are made from the verdict alone: whoever has the verdict can make them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.files import sha256_file, write_text
from components.gate import words
from components.gate.views import view
from components.pages import environment

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE: Final = "page.html.jinja"
TEXT: Final = "report.md.jinja"
# A comment on a pull request may have 65,536 characters.
LONGEST: Final = 60_000
SECTION: Final = "\n## "
FILTERS: Final = {name: getattr(words, name) for name in ("asked", "chance", "changed")}


def write_report(verdict: Mapping[str, Any], html: Path, md: Path) -> dict[str, str]:
    """Write both forms of the report.

    Args:
        verdict: of format 2, as `decide` gives it.
        html: the page's file.
        md: the Markdown's file.

    Returns:
        SHA-256 by file name.
    """
    render(verdict, html)
    write_text(md, markdown(verdict))
    return {path.name: sha256_file(path) for path in (html, md)}


def render(verdict: Mapping[str, Any], out_html: Path) -> None:
    """Write the page: one file, no script, nothing from outside."""
    write_text(out_html, _html().get_template(PAGE).render(**view(verdict)))


def markdown(verdict: Mapping[str, Any]) -> str:
    """Return the report as GitHub shows it; its last sections go where it would be too long."""
    text = _markdown().get_template(TEXT).render(**view(verdict))
    kept, *sections = text.split(SECTION)
    note = "\n\nThe rest stands on the page and in the verdict.\n"
    for section in sections:
        longer = f"{kept}{SECTION}{section}"
        if len(f"{longer}{note}".encode()) >= LONGEST:
            return kept.rstrip() + note
        kept = longer
    return kept


@cache
def _html() -> Environment:
    return _environment(markdown=False)


@cache
def _markdown() -> Environment:
    return _environment(markdown=True)


def _environment(*, markdown: bool) -> Environment:
    found = environment("components.gate", FILTERS, markdown=markdown)
    found.globals["ratio"] = words.ratio
    return found
