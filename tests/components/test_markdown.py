"""In: texts that anybody may have written. Out: Markdown in which they can only be read."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from components.markdown import clean, code, plain, table

READER = MarkdownIt("gfm-like", {"linkify": False})
TEXTS = [
    "plain words, 2.5 % of them (in brackets): yes - no + maybe",
    "*bold* _it_ ~~gone~~ `code` \\* [x](http://e.example) ![i](j) <b>&amp;</b> | $x^2$ #7",
    "` unbalanced",
    "``",
    "",
    "https://evil.example www.evil.example",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("write", [plain, code])
def test_text_is_read_as_it_was_written(text: str, write: object) -> None:
    page = READER.render(f"x {write(text)} y")  # type: ignore[operator]
    shown = html.unescape(re.sub("<[^>]*>", "", page)).replace("\N{WORD JOINER}", "")
    assert shown.strip() == f"x {text} y".strip()
    assert set(re.findall("<(/?[a-z]+)", page)) <= {"p", "/p", "code", "/code"}


def test_people_and_issues_that_a_text_names_are_not_called() -> None:
    page = READER.render(plain("@everyone see #12"))
    assert not re.search(r"@\w|#\d", html.unescape(page))


def test_what_cannot_be_written_or_turns_the_line_around_is_replaced() -> None:
    assert clean("a\ud800b\x00c\u202ed\ne\u05d0") == "a\ufffdb\ufffdc\ufffdd\ne\u05d0"


def test_bar_or_line_break_in_a_text_ends_no_cell() -> None:
    page = READER.render(table(["a", "b"], [[plain("x | y\n| z"), code("p | q\n|")]]))
    assert page.count("<td") == 2
