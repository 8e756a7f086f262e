"""In: verdicts of each kind. Out: Markdown that a pull request shows, with texts only as texts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from components.gate.report import LONGEST, markdown, render
from tests.components.gate import samples, samples_against
from tests.components.pages.outline import Outline

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
    shown = READER.render(markdown(verdict))
    assert not re.search(r"<(script|img|a|!--)", shown)
    for tag in ("<h1", "<h2", "<tr", "<table", "<ul", "<td"):
        assert shown.count(tag) == plain.count(tag), tag


def test_markdown_of_the_largest_verdict_fits_a_comment() -> None:
    verdict = samples_against.big()
    assert len(markdown(verdict).encode()) < LONGEST
    verdict["slices"] *= 2
    verdict["rules"] = [{**rule, "reason": "|<" * 400} for rule in verdict["rules"]] * 3
    text = markdown(verdict)
    assert len(text.encode()) < LONGEST
    assert text.rstrip().endswith("The rest stands on the page and in the verdict.")


@pytest.mark.parametrize("kind", samples_against.EACH)
def test_what_the_page_says_of_data_and_origin_the_markdown_says_too(
    kind: str, tmp_path: Path
) -> None:
    verdict = samples_against.EACH[kind]()
    render(verdict, tmp_path / "gate.html")
    page = Outline((tmp_path / "gate.html").read_text(encoding="utf-8")).text
    text = html.unescape(markdown(verdict))
    for fact in facts_of(verdict):
        assert fact in page
        assert fact in text


def facts_of(verdict: dict[str, Any]) -> Iterator[str]:
    """Yield the figures and digests of a verdict that both forms must show."""
    yield verdict["candidate"]["digest"]
    yield verdict["data"]
    yield from (value for value in verdict["lineage"].values() if value)
    yield from (verdict["evidence"][part] for part in ("params", "code"))
    yield "superiority is proved"
    if verdict["champion"]:
        found = verdict["difference"]
        yield verdict["champion"]["digest"]
        yield from (f"{pair[1]:,}" for pair in found["rows"].values())
        for when in ("before", "now"):
            yield from (f"{found['characters'][when][at]:,.0f}" for at in ("p50", "p95"))
            yield f"{found['vocabulary'][when]:,}"
        yield from (word for word in found["vocabulary"]["examples"][:12] if word.isalpha())
        moved = max(found["labels"], key=lambda row: abs(row["now"] - row["before"]))
        yield moved["label"]
        yield f"{100 * moved['now']:.1f} %"


def test_waivers_are_written_with_reason_person_and_day_expired_or_not() -> None:
    text = html.unescape(READER.render(markdown(samples_against.hold())))
    assert "waived until 2027-01-31 by R. Okafor: the larger graph is needed" in text
    assert "waiver expired on 2026-09-30 by M. Lindqvist: typing was noisy" in text


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


def test_one_seed_has_a_score_and_no_deviation(tmp_path: Path) -> None:
    verdict = samples_against.hold()
    several = markdown(verdict)
    verdict["seeds"] |= {"scores": [0.42], "mean": 0.42, "spread": None}
    render(verdict, tmp_path / "gate.html")
    page = (tmp_path / "gate.html").read_text(encoding="utf-8")
    assert "* seeds: 0.420 with the only one\n" in markdown(verdict)
    assert "in the mean of" in several
    assert "trained with one seed: 0.420 on validation" in page
    assert "standard deviation" not in page
