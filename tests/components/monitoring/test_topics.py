"""In: a stream of answers. Out: proof that counts, periods and surges are what they are called."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import fisher_exact

from components.monitoring import Said, Surge, surges, tally, write_page
from components.monitoring.surge import chance
from components.monitoring.topics import ALL, next_start, period_start, topics_of, word_patterns
from components.params import TopicsParams

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def make(**changes: Any) -> TopicsParams:
    values = {
        "text": "text",
        "time": "time",
        "tickers": True,
        "words": {"delivery": ["parcel", "C++", "last mile"]},
        "period": "day",
        "alarming": ["bad"],
        "window": 3,
        "min_texts": 5,
        "error": 0.05,
    }
    return TopicsParams.model_validate_json(json.dumps(values | changes))


def days(text: str, *counts: tuple[int, int]) -> list[Said]:
    """Return, per day, so many texts of which so many have an alarming answer."""
    return [
        Said(START + day * DAY, text, "bad" if index < bad else "good")
        for day, (texts, bad) in enumerate(counts)
        for index in range(texts)
    ]


def alerts(found: list[Surge]) -> list[tuple[str, int]]:
    return [(one.topic, (one.start - START).days) for one in found if one.alert]


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("$aapl and $BRK.B rise", {"$AAPL", "$BRK.B"}),
        ("$5, US$AAPL, $$AAPL, $TOOLONGS, $AAPL2", set()),
        ("Where is my PARCEL?", {"delivery"}),
        ("parcels, C+, last  mile", set()),
        ("c++ on the last mile of $TSLA.", {"delivery", "$TSLA"}),
    ],
)
def test_topics_are_whole_symbols_and_whole_words(text: str, topics: set[str]) -> None:
    assert topics_of(text, word_patterns(make().words), tickers=True) == topics
    words_only = {topic for topic in topics if "$" not in topic}
    assert topics_of(text, word_patterns(make().words), tickers=False) == words_only


@pytest.mark.parametrize(
    ("period", "start", "after"),
    [
        ("hour", "2026-12-31T22:00", "2026-12-31T23:00"),
        ("day", "2026-12-31T00:00", "2027-01-01T00:00"),
        ("week", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("month", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_periods_are_those_of_utc(period: str, start: str, after: str) -> None:
    params = make(period=period)
    expected = datetime.fromisoformat(start).replace(tzinfo=UTC)
    for written in ("2026-12-31T22:30:00", "2027-01-01T01:30:00+03:00"):
        assert period_start(datetime.fromisoformat(written), params) == expected
    assert next_start(expected, params) == datetime.fromisoformat(after).replace(tzinfo=UTC)


def test_counts_do_not_depend_on_order_and_quiet_periods_are_periods() -> None:
    stream = [*days("a parcel", (2, 1), (0, 0), (3, 0)), *days("$AAPL", (1, 1))]
    found = tally(stream, make())
    assert found == tally(stream[::-1], make())
    assert len(found.periods) == 3
    assert found.counts["delivery"][START] == {"bad": 1, "good": 1}
    assert found.counts[ALL][START].total() == 3
    assert START + DAY not in found.counts[ALL]
    assert tally([], make()).periods == []


def test_the_chance_is_that_of_fishers_exact_test() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        now, then = (int(n) for n in random.integers(1, 60, 2))
        bad, before = int(random.integers(now + 1)), int(random.integers(then + 1))
        table = [[bad, now - bad], [before, then - before]]
        expected = fisher_exact(table, alternative="greater").pvalue
        assert chance(now, bad, then, before) == pytest.approx(expected, rel=1e-6)


def test_a_surge_is_told_and_more_texts_alone_are_none() -> None:
    quiet = [(20, 2)] * 4
    assert alerts(surges(tally(days("$AAPL", *quiet, (20, 12)), make()), make())) == [
        ("$AAPL", 4),
        (ALL, 4),
    ]
    assert alerts(surges(tally(days("$AAPL", *quiet, (200, 20)), make()), make())) == []


def test_the_window_forgets_and_the_first_period_is_no_surge() -> None:
    bad = tally(days("$AAPL", (30, 30), (30, 0), (30, 0), (30, 0), (30, 9)), make())
    assert alerts(surges(bad, make())) == [("$AAPL", 4), (ALL, 4)]
    assert alerts(surges(bad, make(window=4))) == []


def test_small_topics_are_not_asked_about() -> None:
    stream = days("$AAPL", (4, 0), (4, 4))
    assert surges(tally(stream, make()), make()) == []
    assert {one.topic for one in surges(tally(stream, make()), make(min_texts=4))} == {ALL, "$AAPL"}


def test_quiet_periods_give_alarms_no_oftener_than_the_error() -> None:
    random, params = np.random.default_rng(1), make(window=1, min_texts=1, tickers=True)
    alarmed = 0
    for _ in range(300):
        stream = [
            said
            for name in "ABCDE"
            for said in days(f"${name}", *((40, int(random.binomial(40, 0.3))) for _ in range(2)))
        ]
        alarmed += bool(alerts(surges(tally(stream, params), params)))
    # 0.05 and three standard errors of 300 draws.
    assert alarmed <= 300 * 0.05 + 3 * (300 * 0.05 * 0.95) ** 0.5


def test_the_page_escapes_texts_and_says_what_the_json_says(tmp_path: Path) -> None:
    params = make(words={"<script>": ["parcel"]})
    found = tally(days("a parcel", *[(20, 2)] * 4, (20, 12)), params)
    page = tmp_path / "topics.html"
    said = write_page(found, surges(found, params), params, "toy", page)
    assert said == "A surge of bad in the day of 2026-03-06: <script>, all texts."
    html = page.read_text(encoding="utf-8")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    written = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert written["sentence"] == said
    assert [one["topic"] for one in written["surges"]] == ["<script>", ALL]
    assert written["topics"][ALL]["2026-03-06T00:00:00+00:00"] == {"bad": 12, "good": 8}
    first = page.read_bytes()
    write_page(found, surges(found, params), params, "toy", page)
    assert page.read_bytes() == first


def test_no_texts_are_said_to_be_none(tmp_path: Path) -> None:
    found = tally([], make())
    assert write_page(found, [], make(), "toy", tmp_path / "a.html") == "There are no texts."
