"""In: a step's folder of templates. Out: what renders them over the frame that all pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from components.markdown import clean, code, plain
from components.pages import words

if TYPE_CHECKING:
    from jinja2 import Environment

FILTERS: Final = {
    name: getattr(words, name)
    for name in (
        "bounds",
        "capital",
        "count",
        "cut",
        "duration",
        "figure",
        "megabytes",
        "name",
        "number",
        "percent",
        "signed",
    )
}


def environment(
    package: str, filters: Mapping[str, Callable[..., Any]], *, markdown: bool = False
) -> Environment:
    """Return what renders the templates of a package, and those that all pages share.

    Whatever a template writes is escaped: texts are the users' own and may hold anything.

    Args:
        package: whose folder `templates` holds the step's own; of one name, they go first.
        filters: the step's own words, beside those of `components.pages.words`.
        markdown: the templates are Markdown, not HTML.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("components.pages")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=not markdown,
        finalize=_read if markdown else _written,
    )
    found.filters |= {**FILTERS, **filters}
    if markdown:
        # Nothing is written that was not escaped, unless one of these made it Markdown.
        found.filters["code"] = lambda text: Markup(code(text))
        # What a macro returns was escaped when it was made.
        found.filters["written"] = Markup
    return found


def _written(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else clean(value)


def _read(value: object) -> object:
    return value if isinstance(value, Markup) or value is None else plain(value)
