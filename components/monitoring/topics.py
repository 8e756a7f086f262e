"""In: texts with times and answers, as a stream. Out: counts per topic, period and answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from components.params import TopicsParams

ALL: Final = "all texts"
_TICKER: Final = re.compile(r"(?<![\w$])\$([A-Za-z]{1,6}(?:\.[A-Za-z])?)(?!\w)")
DECEMBER: Final = 12


@dataclass(frozen=True)
class Said:
    """A text, when it was written, and what the model answered."""

    time: datetime
    text: str
    answer: str


@dataclass(frozen=True)
class Tally:
    """Counts of answers.

    Attributes:
        counts: per topic and start of a period, how often each answer was given.
        periods: the starts of all periods from the first text to the last, none left out.
    """

    counts: Mapping[str, Mapping[datetime, Counter[str]]]
    periods: Sequence[datetime]


def tally(stream: Iterable[Said], params: TopicsParams) -> Tally:
    """Count answers per topic and period; memory holds counts, never texts."""
    patterns = word_patterns(params.words)
    counts: dict[str, dict[datetime, Counter[str]]] = {ALL: {}}
    for said in stream:
        start = period_start(said.time, params)
        for topic in (ALL, *sorted(topics_of(said.text, patterns, tickers=params.tickers))):
            counts.setdefault(topic, {}).setdefault(start, Counter())[said.answer] += 1
    starts = sorted(counts[ALL])
    periods = starts[:1]
    while periods and periods[-1] < starts[-1]:
        periods.append(next_start(periods[-1], params))
    return Tally(counts, periods)


def word_patterns(words: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    """Return what finds each topic's words: whole ones, in any case."""
    return {
        topic: re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, own)) + r")(?!\w)", re.IGNORECASE)
        for topic, own in words.items()
        if own
    }


def topics_of(text: str, patterns: Mapping[str, re.Pattern[str]], *, tickers: bool) -> set[str]:
    """Return the topics of a text: stock symbols in capitals, and topics one of whose words it has.

    Args:
        text: as it was written.
        patterns: see `word_patterns`.
        tickers: whether `$aapl` is the topic `$AAPL`; `$5` and `$AAPLs` are none.
    """
    found = {topic for topic, pattern in patterns.items() if pattern.search(text)}
    if tickers:
        found |= {f"${symbol.upper()}" for symbol in _TICKER.findall(text)}
    return found


def period_start(time: datetime, params: TopicsParams) -> datetime:
    """Return the start, in UTC, of the period that a time lies in; without a zone it is UTC."""
    own = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    own = own.replace(minute=0, second=0, microsecond=0)
    if params.period == "hour":
        return own
    own = own.replace(hour=0)
    if params.period == "week":
        return own - timedelta(days=own.weekday())
    return own.replace(day=1) if params.period == "month" else own


def next_start(start: datetime, params: TopicsParams) -> datetime:
    """Return the start of the period after the one that begins at `start`."""
    if params.period == "month":
        later = start.month == DECEMBER
        return start.replace(year=start.year + later, month=1 if later else start.month + 1)
    steps = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
    return start + steps[params.period]
