"""In: predictors that take as long as they are told. Out: the laws of the paired latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from components.gate import speed
from components.gate.speed import paired_latency
from components.inference import Predictor
from components.tasks.base import Example

EXAMPLES = [{"text": f"text {i}"} for i in range(50)]


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[tuple[str, str]] = []

    def perf_counter(self) -> float:
        return self.now


class Worker:
    """Takes `seconds` per request, and notes it; for texts that end so, it takes `slow`."""

    def __init__(self, clock: Clock, name: str, seconds: float, slow: float, ending: str) -> None:
        self.clock, self.name, self.seconds = clock, name, seconds
        self.slow, self.ending = slow, ending

    def predict(self, examples: Sequence[Example], batch_size: int) -> list[Any]:
        assert (len(examples), batch_size) == (1, 1)
        slow = bool(self.ending) and examples[0]["text"].endswith(self.ending)
        self.clock.now += self.slow if slow else self.seconds
        self.clock.log.append((self.name, examples[0]["text"]))
        return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(speed, "time", made)
    return made


def worker(
    clock: Clock, name: str, seconds: float, slow: float = 0.0, ending: str = ""
) -> Predictor:
    return cast(Predictor, Worker(clock, name, seconds, slow, ending))


def test_ratio_is_that_of_the_medians(clock: Clock) -> None:
    found = paired_latency(worker(clock, "a", 0.006), worker(clock, "b", 0.004), EXAMPLES)
    assert found["candidate"] == {"requests": 400, "p50_ms": 6.0, "p95_ms": 6.0}
    assert found["champion"]["p50_ms"] == 4.0
    assert found["ratio"] == 1.5


def test_a_longer_tail_counts_where_the_middle_is_the_same(clock: Clock) -> None:
    # A tenth of the texts takes five times as long: no median sees it.
    slower = worker(clock, "a", 0.004, slow=0.02, ending="7")
    found = paired_latency(slower, worker(clock, "b", 0.004), EXAMPLES)
    assert found["candidate"]["p50_ms"] == found["champion"]["p50_ms"]
    assert found["ratio"] == 5.0
    better = paired_latency(worker(clock, "b", 0.004), slower, EXAMPLES)
    assert better["ratio"] == 1.0


class Busy(Clock):
    """A machine on which every fourth of some looks at the clock finds it ahead.

    That is one look a request, and the same one in each: one model alone is hit.
    """

    def __init__(self, looks: range) -> None:
        super().__init__()
        self.looked, self.looks = 0, looks

    def perf_counter(self) -> float:
        self.looked += 1
        self.now += 0.04 if self.looked in self.looks else 0.0
        return self.now


def test_a_burst_that_hits_one_model_alone_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    hit = []
    for first in range(400, 404):
        busy = Busy(range(first, first + 4 * 30, 4))
        monkeypatch.setattr(speed, "time", busy)
        found = paired_latency(worker(busy, "a", 0.002), worker(busy, "b", 0.002), EXAMPLES)
        assert found["ratio"] == 1.0
        hit.append((found["candidate"]["p95_ms"] > 20, found["champion"]["p95_ms"] > 20))
    assert {(True, False), (False, True)} <= set(hit), "their plain 95th percentiles would tell"


def test_requests_alternate_over_the_same_texts(clock: Clock) -> None:
    paired_latency(worker(clock, "a", 0.001), worker(clock, "b", 0.001), EXAMPLES)
    ours, theirs = clock.log[::2], clock.log[1::2]
    assert {name for name, _ in ours} == {"a"}
    assert [text for _, text in ours] == [text for _, text in theirs]
    assert {text for _, text in ours} == {example["text"] for example in EXAMPLES}


def test_warm_up_does_not_count(clock: Clock) -> None:
    found = paired_latency(worker(clock, "a", 0.001), None, EXAMPLES)
    assert len(clock.log) == found["candidate"]["requests"] + speed.WARM_UP


def test_slow_models_are_asked_less_often_but_often_enough(clock: Clock) -> None:
    found = paired_latency(worker(clock, "a", 0.5), worker(clock, "b", 0.25), EXAMPLES)
    assert found["candidate"]["requests"] == found["champion"]["requests"] == speed.LEAST
    assert found["ratio"] == 2.0
    # and one each to warm up
    assert len(clock.log) == 2 * (speed.LEAST + 1)


def test_measuring_ends_in_time(clock: Clock) -> None:
    paired_latency(worker(clock, "a", 0.02), worker(clock, "b", 0.02), EXAMPLES)
    assert clock.now < 5


def test_without_a_champion_there_is_no_ratio(clock: Clock) -> None:
    found = paired_latency(worker(clock, "a", 0.003), None, EXAMPLES)
    assert found["champion"] is None
    assert found["ratio"] is None
    assert found["candidate"]["p95_ms"] == 3.0
