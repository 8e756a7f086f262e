"""In: counts and surges. Out: a page that opens offline, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from components.files import write_json, write_text
from components.monitoring.surge import Surge
from components.monitoring.topics import Tally
from components.pages import environment
from components.params import TopicsParams

SHOWN: Final = 40
HOURLY: Final = "%Y-%m-%d %H:%M"
DAILY: Final = "%Y-%m-%d"


def sentence(found: Sequence[Surge], tally: Tally, params: TopicsParams) -> str:
    """Return in one sentence what the last period gives to worry about."""
    if not tally.periods:
        return "There are no texts."
    last = tally.periods[-1]
    alerts = [one for one in found if one.alert and one.start == last]
    labels = " or ".join(params.alarming)
    when = f"the {params.period} of {_when(last, params)}"
    if not alerts:
        return f"No topic has a surge of {labels} in {when}."
    named = ", ".join(one.topic for one in sorted(alerts, key=lambda one: (one.p, one.topic)))
    return f"A surge of {labels} in {when}: {named}."


def write_page(
    tally: Tally, found: Sequence[Surge], params: TopicsParams, project: str, html: Path
) -> str:
    """Write the page, and JSON beside it; the same counts, the same bytes.

    Returns:
        The sentence that both begin with.
    """
    said = sentence(found, tally, params)
    template = environment("components.monitoring", {}).get_template("topics.html.jinja")
    view = _view(tally, found, params)
    write_text(html, template.render(said=said, project=project, params=params, **view))
    write_json(html.with_suffix(".json"), {"sentence": said, **_plain(tally, found, params)})
    return said


def _plain(tally: Tally, found: Sequence[Surge], params: TopicsParams) -> dict[str, Any]:
    return {
        "params": params.model_dump(mode="json"),
        "periods": [start.isoformat() for start in tally.periods],
        "topics": {
            topic: {start.isoformat(): dict(sorted(own[start].items())) for start in sorted(own)}
            for topic, own in sorted(tally.counts.items())
        },
        "surges": [{**vars(one), "start": one.start.isoformat()} for one in found if one.alert],
    }


def _view(tally: Tally, found: Sequence[Surge], params: TopicsParams) -> dict[str, Any]:
    totals = {t: sum(c.total() for c in own.values()) for t, own in tally.counts.items()}
    largest = sorted(totals, key=lambda topic: (-totals[topic], topic))
    alerts = sorted((one for one in found if one.alert), key=lambda one: (one.start, -one.p))
    return {
        "alerts": [(_when(one.start, params), one) for one in reversed(alerts)],
        "rows": [_row(topic, tally, params) for topic in largest[:SHOWN]],
        "left": max(0, len(largest) - SHOWN),
        "first": _when(tally.periods[0], params) if tally.periods else "",
        "last": _when(tally.periods[-1], params) if tally.periods else "",
        "texts": totals.get(largest[0], 0) if largest else 0,
        "periods": len(tally.periods),
    }


def _row(topic: str, tally: Tally, params: TopicsParams) -> dict[str, Any]:
    """Return a topic's sums, and its bars: per period all texts, and those that are alarming."""
    own = tally.counts[topic]
    pairs = [
        (own[start].total(), sum(own[start][label] for label in params.alarming))
        if start in own
        else (0, 0)
        for start in tally.periods
    ]
    highest = max((texts for texts, _ in pairs), default=0) or 1
    texts, alarming = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0)
    width = 100 / (len(pairs) or 1)
    return {
        "topic": topic,
        "texts": texts,
        "alarming": alarming,
        "share": alarming / texts if texts else None,
        "highest": highest,
        "bars": [
            (
                round(i * width, 3),
                round(0.8 * width, 3),
                *(round(100 * n / highest, 2) for n in pair),
            )
            for i, pair in enumerate(pairs)
        ],
    }


def _when(start: datetime, params: TopicsParams) -> str:
    return start.strftime(HOURLY if params.period == "hour" else DAILY)
