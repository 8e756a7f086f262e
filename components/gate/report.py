"""In: a verdict. Out: a page that opens offline and says why, and Markdown for a pull request.

Both are made from the verdict alone: whoever has the verdict can make them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from components.files import sha256_file, write_text
from components.gate import words
from components.gate.views import view
from components.markdown import clean, code, plain

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE: Final = "page.html.jinja"
TEXT: Final = "report.md.jinja"
# A comment on a pull request may have 65,536 characters.
LONGEST: Final = 60_000
SECTION: Final = "\n## "
FILTERS: Final = {
    name: getattr(words, name)
    for name in (
        "asked",
        "bounds",
        "capital",
        "chance",
        "changed",
        "count",
        "cut",
        "figure",
        "megabytes",
        "name",
        "percent",
        "signed",
    )
}


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
    # Texts are the users' own and may hold anything.
    return _environment(autoescape=True, finalize=_written)


@cache
def _markdown() -> Environment:
    # Here nothing is written that was not escaped, unless a filter made it Markdown.
    environment = _environment(autoescape=False, finalize=_read)
    environment.filters["code"] = lambda text: Markup(code(text))
    # What a macro returns was escaped when it was made.
    environment.filters["written"] = Markup
    return environment


def _environment(**options: Any) -> Environment:  # noqa: ANN401 - Jinja's own options
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("components.gate", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    environment.filters |= FILTERS
    environment.globals["ratio"] = words.ratio
    return environment


def _written(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else clean(value)


def _read(value: object) -> object:
    return value if isinstance(value, Markup) or value is None else plain(value)
