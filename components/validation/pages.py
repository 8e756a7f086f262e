"""In: the Data Docs as Great Expectations builds them, and what it found. Out: a site for offline.

The library's pages load styles and scripts from five content networks and a counting image from a
sixth; without them they have no layout, and its start page is blank. All of that is taken out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from components.files import write_text

STYLE: Final = "offline.css"
START: Final = "index.html"
_HERE: Final = Path(__file__).parent

_SCRIPTS: Final = re.compile(r"<script\b[^>]*>.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_LINKS: Final = re.compile(r"<link\b[^>]*>", re.IGNORECASE)
_IMAGES: Final = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_FOOTERS: Final = re.compile(r"<footer\b[^>]*>.*?</footer\s*>", re.DOTALL | re.IGNORECASE)
_REMOTE: Final = re.compile(r"url\(\s*['\"]?https?://[^)]*\)", re.IGNORECASE)


def make_offline(docs: Path) -> None:
    """Rewrite every page below `docs` so that it needs nothing but the style sheet beside it."""
    shutil.rmtree(docs / "static", ignore_errors=True)
    shutil.copyfile(_HERE / STYLE, docs / STYLE)
    for page in docs.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for pattern in (_SCRIPTS, _LINKS, _IMAGES, _FOOTERS):
            text = pattern.sub("", text)
        text = _REMOTE.sub("none", text)
        up = "../" * (len(page.relative_to(docs).parts) - 1)
        link = f'<link rel="stylesheet" href="{up}{STYLE}">'
        page.write_text(text.replace("</head>", f"{link}</head>", 1), encoding="utf-8")


def write_start(
    docs: Path, result: Mapping[str, Any], rejects: Sequence[Mapping[str, Any]]
) -> None:
    """Write the start page: every rule with its figure, the reasons of rejects, examples of them.

    Args:
        docs: the folder of the site, whose pages are linked.
        result: what stands in result.json.
        rejects: some of the rejected rows, each with `reason`, `split`, `source_row` and `text`.
    """
    source = (_HERE / "summary.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    pages = {
        f"{kind} of {page.relative_to(docs).parts[1].removesuffix('.html')}": page.relative_to(docs)
        for kind, folder in (("results", "validations"), ("expectations", "expectations"))
        for page in sorted((docs / folder).rglob("*.html"))
    }
    write_text(docs / START, template.render(result=result, rejects=rejects, pages=pages))
