"""In: work within work, and figures. Out: how the gate's cost is counted, and against what."""

from __future__ import annotations

import importlib
import json
from operator import attrgetter

import pytest

from benchmarks.clock import Clock
from benchmarks.gate_cost import ALL, IMPORTING, PARTS, PREDICTING, REPORT, limits, missed, table

FOUND = {
    "sentence": "Promote version 2.",
    "parts": {
        IMPORTING: {"wall": 9.0, "cpu": 6.0},
        PREDICTING: {"wall": 30.0, "cpu": 30.0},
        "leakage": {"wall": 3.0, "cpu": 2.5},
        REPORT: {"wall": 1.0, "cpu": 1.0},
    },
    "gib": 0.9,
    "megabytes": 0.2,
}


def test_a_moment_counts_for_the_innermost_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, now = Clock(), [0.0]
    monkeypatch.setattr("benchmarks.clock.time.process_time", lambda: now[0])
    with clock.part("outer"):
        now[0] += 2
        for seconds in (5, 6):
            with clock.part("inner"):
                now[0] += seconds
        now[0] += 1
    assert clock.parts["inner"].cpu == 11
    assert clock.parts["outer"].cpu == 3


def test_calls_of_watched_functions_are_counted_and_answer_as_ever() -> None:
    clock, before = Clock(), json.dumps
    with clock.watching({"json:dumps": "writing"}), clock.part("rest"):
        assert json.dumps([1]) == "[1]"
    assert set(clock.parts) == {"writing", "rest"}
    assert json.dumps is before


@pytest.mark.parametrize("place", PARTS)
def test_what_is_watched_is_there(place: str) -> None:
    module, _, path = place.partition(":")
    assert callable(attrgetter(path)(importlib.import_module(module)))


def test_what_does_not_count_is_told_apart() -> None:
    figures = {name: figure for name, figure, _, _ in limits(FOUND)}
    assert figures["seconds beyond predicting and importing"] == 4.0
    assert figures["one report"] == 0.5
    (line,) = [line for line in table(FOUND).splitlines() if line.startswith(ALL)]
    assert line.split()[-2:] == ["4.00", "3.50"]


def test_a_figure_above_its_limit_is_missed() -> None:
    assert missed(FOUND) == []
    assert missed(FOUND | {"gib": 1.2, "megabytes": float("nan")}) == [
        "peak memory of the process, all included",
        "weight of the page",
    ]
