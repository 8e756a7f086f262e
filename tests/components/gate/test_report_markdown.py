"""In: verdicts of each kind. Out: Markdown that a pull request shows, with texts only as texts."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from components.gate.report import LONGEST, markdown
from tests.components.gate import samples, samples_against

READER = MarkdownIt("gfm-like", {"linkify": False})
HOSTILE = [
    "<img src=x onerror=alert(1)> [x](https://evil.example) | next\n# heading",
    "`` ` <script>alert(1)</script> @everyone #1 :smile: $x$ ![p](h://p)",
    "<!-- hidden",
    "| a | b |\n|---|---|",
]


@pytest.mark.parametrize("kind", samples_against.EACH)
def test_markdown_has_the_verdict_first_and_every_rule_as_a_row(kind: str) -> None:
    verdict = samples_against.EACH[kind]()
    text = markdown(verdict)
    lines = [line for line in text.splitlines() if line]
    assert verdict["verdict"].capitalize() in lines[0]
    assert verdict["sentence"][:20] in lines[1]
    rules = text[text.index("## Rules") : text.index("## Scores")]
    rows = [line for line in rules.splitlines() if line.count("|") == 6]
    headings = {rule["heading"] for rule in verdict["rules"]}
    assert len(rows) == len(verdict["rules"]) + len(headings) + 2
    assert ("## What would change it" in text) is (verdict["verdict"] != "promote")


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_open_no_tag_link_image_heading_or_cell(text: str) -> None:
    verdict = samples_against.hold()
    plain = READER.render(markdown(verdict))
    for row in [*verdict["disagreements"], *verdict["parity"]["flips"]]:
        row |= {"text": text, "label": text}
    for rule in verdict["rules"]:
        rule |= {"title": text, "cure": text}
    verdict["slices"][0]["value"] = text
    verdict["robustness"][0]["examples"][0] |= {"text": text, "edited": text}
    verdict["confusion"]["labels"][0] = text
    verdict["rules"][0]["waiver"] = {"reason": text, "by": text, "until": "x", "expired": False}
    html = READER.render(markdown(verdict))
    assert not re.search(r"<(script|img|a|!--)", html)
    for tag in ("<h1", "<h2", "<tr", "<table", "<ul", "<td"):
        assert html.count(tag) == plain.count(tag), tag


def test_markdown_of_the_largest_verdict_fits_a_comment() -> None:
    verdict = samples_against.big()
    assert len(markdown(verdict).encode()) < LONGEST
    verdict["slices"] *= 2
    verdict["rules"] = [{**rule, "reason": "|<" * 400} for rule in verdict["rules"]] * 3
    text = markdown(verdict)
    assert len(text.encode()) < LONGEST
    assert text.rstrip().endswith("The rest stands on the page and in the verdict.")


@pytest.mark.parametrize(("state", "told"), [("open", True), ("informs", False)])
def test_the_power_is_told_of_the_rules_that_were_asked(state: str, told: bool) -> None:
    verdict = samples_against.promote()
    luck = samples.rule("beyond_luck", samples_against.AGAINST, state, title="gain beyond luck")
    verdict["rules"].append(luck)
    text = markdown(verdict)
    seen = text[text.index("## What this gate could have seen") :]
    line = next(line for line in seen.splitlines() if line.startswith("Overall"))
    assert "would not hold: superior" in line
    assert ("gain beyond luck" in line) is told
