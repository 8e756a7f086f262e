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
    """Takes `seconds` per request, and notes it."""

    def __init__(self, clock: Clock, name: str, seconds: float) -> None:
        self.clock, self.name, self.seconds = clock, name, seconds

    def predict(self, examples: Sequence[Example], batch_size: int) -> list[Any]:
        assert (len(examples), batch_size) == (1, 1)
        self.clock.now += self.seconds
        self.clock.log.append((self.name, examples[0]["text"]))
        return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(speed, "time", made)
    return made


def worker(clock: Clock, name: str, seconds: float) -> Predictor:
    return cast(Predictor, Worker(clock, name, seconds))


def test_ratio_is_that_of_the_medians(clock: Clock) -> None:
    found = paired_latency(worker(clock, "a", 0.006), worker(clock, "b", 0.004), EXAMPLES)
    assert found["candidate"] == {"requests": 400, "p50_ms": 6.0, "p95_ms": 6.0}
    assert found["champion"]["p50_ms"] == 4.0
    assert found["ratio"] == 1.5


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
