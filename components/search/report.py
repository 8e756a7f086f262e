"""In: what a search found. Out: a page that opens offline and says what won, and how surely."""

from __future__ import annotations

from pathlib import Path

from components.files import write_text
from components.pages import environment
from components.search.about import About
from components.search.searched import Searched
from components.search.views import view


def write_report(searched: Searched, about: About, path: Path) -> None:
    """Write the page: one file, no script, nothing from outside; the same search, the same bytes.

    Raises:
        DivergenceError: there is no winner to report.
    """
    template = environment("components.search", {}).get_template("report.html.jinja")
    write_text(path, template.render(**view(searched, about)))
