"""In: items that a split has no row of. Out: they are asked of no split, and the others are."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.matching import Options
from components.validation.rules import LABELS, Rule, frames
from components.validation.suite import check
from tests.components.validation.conftest import Stream

ITEMS = {"seen": "one text", "held out": "another text", "nowhere": "a third text"}


@pytest.mark.parametrize(("least", "holds"), [(2, True), (3, False)])
def test_rows_are_asked_of_the_items_that_a_split_has(
    least: int, holds: bool, tmp_path: Path, stream: Stream
) -> None:
    task = load_task(Options(kind="matching", items=ITEMS, scale=20.0, pooling="mean"))
    named = dict(zip(SPLITS, ("seen", "held out", "held out"), strict=True))
    accepted = {
        split: [{"text": f"{split} {n}", "item": item, "group": f"{split}{n}"} for n in range(2)]
        for split, item in named.items()
    }
    sifted = stream(task, None, accepted)
    made = frames(task, sifted.accepted, sifted.sieve)
    assert made[LABELS]["train"].isna().tolist() == [False, True, True]
    rules = [
        Rule(split, LABELS, "ExpectColumnMinToBeBetween", {"column": split, "min_value": least})
        for split in SPLITS
    ]
    assert [one.success for one in check(rules, made, tmp_path)] == [holds] * 3
