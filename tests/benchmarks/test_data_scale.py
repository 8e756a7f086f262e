"""In: numbers of rows. Out: proof that made rows are what they should be, and limits are kept."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from benchmarks.data_scale import LABELS, STAGES, limits, made, missed, table


def figures(rows: int, cpu: float, gib: float) -> dict[str, Any]:
    stage = {"seconds": cpu, "cpu": cpu, "gib": gib, "tree": gib / 2}
    return {
        "rows": rows,
        "megabytes": 7,
        "rejected": 3,
        "reasons": {"empty_text": 3},
    } | dict.fromkeys(STAGES, stage)


def test_rows_follow_from_their_number_and_some_are_bad() -> None:
    rows = list(made(3000))
    assert rows == list(itertools.islice(made(3000), 3000))
    texts = Counter(text for text, *_ in rows)
    assert 10 < sum(count - 1 for count in texts.values()) < 120
    labels = Counter(label for _, label, *_ in rows)
    assert labels["intent_unknown"]
    assert labels[""]
    assert set(LABELS) < set(labels)
    assert len({customer for _, _, customer, _ in rows}) < 1001


def test_a_figure_above_its_limit_is_missed() -> None:
    good = [figures(100_000, 10.0, 0.4), figures(1_000_000, 100.0, 0.6)]
    assert missed(good) == []
    assert {name for name, *_ in limits(good)} >= {"peak memory of validate", "growth of ingest"}
    slow = [figures(100_000, 10.0, 0.4), figures(1_000_000, 151.0, 0.6)]
    assert missed(slow) == ["both stages, 1,000,000 rows", "cpu per row, last by first"]
    large = [figures(100_000, 10.0, 0.4), figures(1_000_000, 100.0, 2.1)]
    assert "peak memory of ingest" in missed(large)
    assert "growth of validate" in missed(large)
    nan = [figures(100_000, float("nan"), 0.4)]
    assert missed(nan) == ["both stages, 100,000 rows"]


def test_the_table_tells_every_stage_and_every_limit() -> None:
    found = [figures(100_000, 10.0, 0.4), figures(1_000_000, 151.0, 0.6)]
    told = table(found)
    assert told.count("validate") == 4
    assert told.count("MISSED") == 2
    assert "empty_text 3" in told
