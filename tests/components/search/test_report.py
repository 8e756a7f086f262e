"""In: what searches found. Out: a page that stands alone, the winner first, nothing hidden."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from components.search import Finalist, Searched
from components.search.report import write_report
from components.search.views import cost, view
from tests.components.pages.outline import Outline, assert_readable_by_all
from tests.components.search import found

ALONE = dataclasses.replace(
    found.small(), trials=(found.complete(0, 0.8),), finalists=(Finalist(0, (0.8,), None),)
)
LOST: dict[str, Any] = {
    "with_scores": (),
    "without_scores": (),
    "low": None,
    "high": None,
    "reason": "with them training diverged",
}
SEARCHES = {
    "alone": ALONE,
    "small": found.small(),
    "mixed": found.mixed(),
    "hundred": found.mixed(100),
    "copies": dataclasses.replace(found.mixed(), ablation=found.ablation()),
    "copies that diverged": dataclasses.replace(
        found.mixed(),
        ablation=found.ablation(
            with_scores=(),
            without_scores=(),
            low=None,
            high=None,
            reason="with them training diverged",
        ),
    ),
}


def page(searched: Searched, out: Path) -> str:
    write_report(searched, found.about(), out / "report.html")
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.fixture(params=SEARCHES)
def searched(request: pytest.FixtureRequest) -> Searched:
    return SEARCHES[request.param]


def test_page_says_the_winner_first_then_how_far_to_believe_it(tmp_path: Path) -> None:
    text = Outline(page(found.mixed(), tmp_path)).text
    winner = "Trial 3 wins: macro F1 0.8500 on validation, the mean of 3 seeds"
    parts = (winner, "How far to believe it", "What was chosen", "partly luck", "further seed")
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


def test_page_is_one_file_without_a_script_and_light(searched: Searched, tmp_path: Path) -> None:
    html = page(searched, tmp_path)
    assert not re.search(r"<script|<link|<img|https?://|url\(|@import", html)
    assert len(html.encode()) < 1_000_000


def test_page_can_be_read_by_all(searched: Searched, tmp_path: Path) -> None:
    outline = Outline(page(searched, tmp_path))
    assert outline.open == []
    assert_readable_by_all(outline)


def test_same_search_gives_the_same_bytes(searched: Searched, tmp_path: Path) -> None:
    assert page(searched, tmp_path) == page(searched, tmp_path)


def test_every_trial_stands_in_the_table_with_its_end_and_why(tmp_path: Path) -> None:
    html = page(found.mixed(), tmp_path)
    rows = re.findall(r'<tr role="row"[^>]*>(.*?)</tr>', html[html.index('id="trials"') :], re.S)
    numbers = [re.search(r"</span>(\d+)", row) for row in rows]
    assert sorted(int(number[1]) for number in numbers if number) == list(range(12))
    by_number = {int(number[1]): row for number, row in zip(numbers, rows, strict=True) if number}
    assert "below 0.6123, the median" in by_number[4]
    assert "pruned" in by_number[4]
    assert "loss is nan at step 7; begun 3 times" in by_number[1]
    assert "failed" in by_number[1]
    assert "defaults" in by_number[0]
    assert "warm start: toy-0/7" in by_number[3]


def test_finalists_come_first_and_failed_trials_last() -> None:
    rows = view(found.mixed(), found.about())["rows"]
    assert [row["trial"].number for row in rows[:3]] == [3, 2, 0]
    assert rows[-1]["trial"].state == "failed"


def test_cost_counts_every_epoch_once_and_what_pruning_saved() -> None:
    money = cost(found.mixed(), found.about())
    trials, finalists = money["rows"]
    assert trials["epochs"] == 3 * 4 + 8 * 2
    assert finalists["epochs"] == 4 * 4
    assert money["total"]["epochs"] == 28 + 16
    assert money["total"]["examples"] == 44 * 100
    assert money["total"]["trainings"] == 12 + 4
    assert money["saved"] == 8 * 2
    assert money["saved_share"] == pytest.approx(16 / 44)
    assert money["saved_seconds"] == pytest.approx(16 * 2.0)
    assert money["killed"] == 2
    assert money["memory"] == 300_000_000


def test_rungs_tell_how_far_trials_came_and_where_they_were_cut() -> None:
    rungs = view(found.mixed(), found.about())["rungs"]
    assert [(row["reached"], row["pruned"]) for row in rungs] == [(11, 0), (11, 8), (3, 0), (3, 0)]
    assert rungs[1]["cut"] == pytest.approx(0.311)


def test_page_without_finalists_seeds_or_importances_leaves_them_out(tmp_path: Path) -> None:
    text = Outline(page(ALONE, tmp_path)).text
    assert "cannot be told from so few complete trials" in text
    assert "the best single score won" in text
    assert "Pruned and failed" not in text


def test_finalist_that_is_out_is_told_with_its_reason(tmp_path: Path) -> None:
    out = Finalist(1, (0.7,), "loss is nan with another seed")
    searched = dataclasses.replace(
        found.small(),
        finalists=(out, Finalist(0, (0.8, 0.81), None), Finalist(2, (0.8, 0.7), None)),
    )
    assert "out: loss is nan with another seed" in Outline(page(searched, tmp_path)).text


def test_reasons_are_read_and_never_run(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\x00\u202egnp.exe"
    trials = (*found.small().trials, found.failed(3, hostile))
    html = page(dataclasses.replace(found.small(), trials=trials), tmp_path)
    assert "<script" not in html
    assert "\x00" not in html
    assert "\u202e" not in html
    assert "alert(1)" in Outline(html).text


def test_page_says_whether_altered_copies_help_and_how_that_is_known(tmp_path: Path) -> None:
    text = Outline(page(SEARCHES["copies"], tmp_path)).text
    parts = (
        "The 11 altered copies are not shown to help and are left out: +0.50 points of macro F1",
        *("With the copies", "111", "0.8450", "16.0 s"),
        *("Without", "100", "0.8400", "16.0 s"),
        *("Gain, in points", "+0.50", "\N{MINUS SIGN}0.50 to +1.50", "32.0 s"),
    )
    at = text.index("Altered copies", text.index("Finalists"))
    for part in parts:
        at = text.index(part, at)
    assert "Altered copies" not in Outline(page(found.mixed(), tmp_path)).text


def test_cost_counts_what_asking_about_copies_took() -> None:
    money = cost(SEARCHES["copies"], found.about())
    assert [row["trainings"] for row in money["rows"]] == [12, 4, 4]
    assert money["rows"][2]["seconds"] == 32.0
