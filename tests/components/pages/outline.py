"""In: a page. Out: its tags and texts, and whether all can read it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Checks that every tag is closed in order, and keeps what tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_readable_by_all(outline: Outline) -> None:
    """Headings descend by one, tables name their cells, pictures and links are told."""
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("scope" in cell for cell in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table"))
    for picture in outline.all("svg"):
        told = picture.get("role") == "img" and picture.get("aria-labelledby")
        inner = set(picture) <= {"x", "y", "overflow"}
        assert told or inner or picture.get("aria-hidden") == "true"
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.tags:
        for name in ("aria-labelledby", "href"):
            assert (attributes.get(name) or f"#{ids[0]}").removeprefix("#") in ids
