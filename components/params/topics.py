"""In: values of params.yaml. Out: the section of what people talk about, and when to worry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.params.base import Positive, Section

Period = Literal["hour", "day", "week", "month"]


class TopicsParams(Section):
    """Answers counted by topic and time; `python -m flows topics FILE`, part of no stage."""

    text: str
    """The file's column of texts."""
    time: str
    """Its column of times in ISO 8601, such as 2026-03-01T12:30:00+01:00; without a zone: UTC."""
    tickers: bool
    """Whether each stock symbol, such as $AAPL, is a topic."""
    words: dict[str, tuple[str, ...]]
    """Topics by their words, such as `delivery: [parcel, courier]`; whole words, in any case."""
    period: Period
    """What is counted together; weeks begin on Monday, all in UTC."""
    alarming: tuple[str, ...]
    """Labels of the task whose share must not surge."""
    window: Positive
    """Periods before the one in question that it is compared with."""
    min_texts: Positive
    """Topics with fewer texts in the period are not asked about."""
    error: Annotated[float, Field(gt=0, lt=1)]
    """Chance per period of any false alarm, over all topics."""
