"""In: verdicts of each kind. Out: pages that stand alone, verdict first, texts escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from components.gate import charts, decide, render
from components.gate.report import changes, figure
from components.params import GateParams

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Checks that every tag is closed in order, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(params: GateParams, evidence: Any, out: Path) -> tuple[str, dict[str, Any]]:
    verdict = decide(params, evidence, 7)
    render(verdict, evidence.evaluation, evidence.parity, out / "gate.html")
    return (out / "gate.html").read_text(encoding="utf-8"), verdict


@pytest.mark.parametrize(
    ("candidate", "champion", "word"),
    [("good", "poor", "promote"), ("poor", "good", "hold"), ("poor", "other", "undecidable")],
)
def test_page_says_the_verdict_first_and_every_rule_in_words(
    bench: Any, params: GateParams, tmp_path: Path, candidate: str, champion: str, word: str
) -> None:
    votes = {"good": None, "poor": {"odd": 1}, "other": {"even": 0}}
    made = [bench.make(name, votes[name]) for name in (candidate, champion)]
    html, verdict = page(params, bench.evidence(tmp_path, *made), tmp_path)
    outline = Outline()
    outline.feed(html)
    assert outline.open == []
    assert outline.tags.count("h1") == 1
    assert verdict["verdict"] == word
    assert outline.text.index(verdict["sentence"]) < outline.text.index("Rules")
    held = sum(rule["passed"] is True for rule in verdict["rules"])
    lost = sum(rule["passed"] is False for rule in verdict["rules"])
    assert len(re.findall(r"</svg>\s*holds", html)) == held
    assert len(re.findall(r"</svg>\s*broken", html)) == lost
    assert ("What would change it" in outline.text) is (word != "promote")


def test_page_needs_nothing_from_outside_and_is_small(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    html, _ = page(params, bench.evidence(tmp_path, bench.make("good"), None), tmp_path)
    assert not re.search(r"(src|href)=|url\(|@import|<script|https?://", html)
    assert len(html) < 2_000_000
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_texts_of_users_are_escaped(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("poor", {"odd": 1}))
    html, verdict = page(params, evidence, tmp_path)
    assert verdict["disagreements"]
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert re.search(r"please odd &lt;b&gt;\d+&lt;/b&gt;", html)


def test_page_without_any_report_still_says_why(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    for file in evidence.evaluation.iterdir():
        file.unlink()
    evidence.parity.unlink()
    html, verdict = page(params, evidence, tmp_path)
    assert verdict["verdict"] == "hold"
    assert "calibration_error is missing".replace("_", " ") in html


def test_what_would_change_it_names_figure_and_limit(params: GateParams) -> None:
    rule = {
        "name": "latency_p95_ms",
        "passed": False,
        "figure": 3.0,
        "threshold": 2.0,
        "interval": None,
        "reason": "",
        "unit": "ms",
        "bound": "most",
    }
    assert changes({"rules": [rule]}) == ["latency p95 at 2.0 ms or less; it is 3.0 ms"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "points", "+1.2 points"),
        (-0.0123, "points", "\N{MINUS SIGN}1.2 points"),
        (0.0, "points", "0 points"),
        (0.01, "loss", "1.0 points"),
        (0.5, "share", "0.500"),
        (0.04, "p", "p = 0.040"),
        (None, "ms", "\N{EN DASH}"),
    ],
)
def test_figures_read_as_people_write_them(value: float | None, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_comparison_lies_inside_the_picture_with_zero_in_the_middle() -> None:
    found = charts.interval({"low": -0.02, "estimate": 0.01, "high": 0.04, "required": -0.01})
    assert found["zero"] == 50
    assert 0 < found["low"] < found["required"] < 50 < found["estimate"] < found["high"] < 100
    flat = charts.interval({"low": 0.0, "estimate": 0.0, "high": 0.0, "required": 0.0})
    assert set(flat.values()) == {50}


def test_confusion_names_the_pairs_mixed_up_most() -> None:
    found = charts.confusion(["a", "b", "c"], [[8, 2, 0], [0, 5, 5], [0, 0, 0]])
    assert [(m["gold"], m["answer"], m["count"]) for m in found["mistakes"]] == [
        ("b", "c", 5),
        ("a", "b", 2),
    ]
    assert len(found["cells"]) == 4
