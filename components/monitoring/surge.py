"""In: counts per topic and period. Out: where the share of alarming answers has surged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.holm import holm
from components.monitoring.topics import Tally
from components.params import TopicsParams


@dataclass(frozen=True)
class Surge:
    """What was found of one topic in one period.

    Attributes:
        topic: its name.
        start: of the period.
        texts: in the period.
        alarming: of these, with an alarming answer.
        texts_before: in the periods of the window before it.
        alarming_before: of these, with an alarming answer.
        p: chance of so many alarming ones if the share had not risen, adjusted over the topics.
        alert: whether `p` is at most the error that is allowed.
    """

    topic: str
    start: datetime
    texts: int
    alarming: int
    texts_before: int
    alarming_before: int
    p: float
    alert: bool


def surges(tally: Tally, params: TopicsParams) -> list[Surge]:
    """Ask of every period and every topic with texts enough whether alarming answers surged.

    Given all alarming answers of the period and its window, those of the period are hypergeometric
    if both have the same share: Fisher's exact test, one-sided (Fisher, Journal of the Royal
    Statistical Society 98, 1935), which holds for counts of any size. More texts alone are no
    surge. The topics of a period are adjusted together by Holm, so that a quiet period gives any
    alarm at most as often as `params.error`. A first period, which has none before, gives none.
    """
    found: list[Surge] = []
    for index, start in enumerate(tally.periods):
        before = tally.periods[max(0, index - params.window) : index]
        found += _period(tally, params, start, before)
    return found


def _period(
    tally: Tally, params: TopicsParams, start: datetime, before: Sequence[datetime]
) -> list[Surge]:
    asked: list[tuple[str, tuple[int, int], tuple[int, int]]] = []
    for topic in sorted(tally.counts):
        own = tally.counts[topic]
        now, then = _sums([start], own, params.alarming), _sums(before, own, params.alarming)
        if now[0] >= params.min_texts:
            asked.append((topic, now, then))
    adjusted = holm([chance(*now, *then) for _, now, then in asked])
    return [
        Surge(topic, start, *now, *then, p=p, alert=p <= params.error)
        for (topic, now, then), p in zip(asked, adjusted, strict=True)
    ]


def chance(texts: int, alarming: int, texts_before: int, alarming_before: int) -> float:
    """Return the chance of at least so many alarming texts, were both shares the same."""
    from scipy.stats import hypergeom

    whole, marked = texts + texts_before, alarming + alarming_before
    return min(1.0, float(hypergeom.sf(alarming - 1, whole, marked, texts)))


def _sums(
    starts: Iterable[datetime], counts: Mapping[datetime, Counter[str]], alarming: Sequence[str]
) -> tuple[int, int]:
    """Return how many texts there are, and how many have an alarming answer."""
    own = [counts[start] for start in starts if start in counts]
    return sum(c.total() for c in own), sum(c[label] for c in own for label in alarming)
