"""In: random rows full of copies. Out: proof that batches in a database find what memory finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from components.params import ValidationParams
from components.schema import SPLITS, Split
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.multilabel import Options
from components.validation.rejection import REASONS
from tests.components.validation.conftest import MakeRow, Row, Stream
from tests.components.validation.reference import sift

Thresholds = Callable[..., ValidationParams]
SEEDS = range(40)
SEVERAL = load_task(
    Options(kind="multilabel", labels=("track", "refund"), separator=",", thresholds=None)
)


def planted(seed: int, make: MakeRow, labels: tuple[str | None, ...]) -> dict[Split, list[Row]]:
    """Return some 60 rows of few texts, groups and labels, in any order."""
    chance = random.Random(seed)
    rows: dict[Split, list[Row]] = {split: [] for split in SPLITS}
    for number in range(60):
        split = chance.choice(SPLITS)
        words = ["where", "is", chance.choice("abcdefgh") * chance.choice((1, 40))]
        said = chance.choice((" ", "  ", " - ")).join(words)
        text = chance.choice((said, said.upper(), f"{said}!", "x", None, f"new {number}"))
        group = chance.choice((None, f"g{chance.randrange(12)}", f"own {number}"))
        # Ids that stand twice: then the place decides.
        changes = {"id": f"{chance.randrange(50):02d}", "group": group, "text": text}
        rows[split].append(make(split, str(number), **changes, label=chance.choice(labels)))
    return rows


def of_rows(found: list[tuple[Row, str]]) -> list[tuple[int, str]]:
    return [(id(row), reason) for row, reason in found]


@pytest.mark.parametrize(
    ("several", "labels"),
    [
        (False, ("track", "track", "refund", "oops", None)),
        (True, ("track", "track", "track,refund", "refund,track", '["track"]', "oops", None)),
    ],
)
def test_batches_find_what_memory_finds(
    task: Task,
    row: MakeRow,
    thresholds: Thresholds,
    stream: Stream,
    several: bool,
    labels: tuple[str | None, ...],
) -> None:
    met: Counter[str] = Counter()
    asked = SEVERAL if several else task
    for seed in SEEDS:
        rows = planted(seed, row, labels)
        expected, found = sift(asked, thresholds(), rows), stream(asked, thresholds(), rows)
        assert of_rows(found.rejected) == of_rows(list(expected.rejected)), seed
        assert found.kept == expected.accepted
        reasons = Counter(reason for _, reason in expected.rejected)
        assert list(found.sieve.reasons().items()) == reasons.most_common()
        assert found.accepted.rows == {s: len(kept) for s, kept in expected.accepted.items()}
        met += reasons
    assert met.keys() == set(REASONS) - {
        "misplaced_label", "no_number", "out_of_range", "control_characters",
    }  # fmt: skip


def test_the_order_of_rows_does_not_matter(
    task: Task, row: MakeRow, thresholds: Thresholds, stream: Stream
) -> None:
    for seed in SEEDS:
        rows = planted(seed, row, ("track", "refund"))
        for split in SPLITS:
            for number, one in enumerate(rows[split]):
                one["id"] = f"{split} {number}"
        shuffled = {s: random.Random(seed).sample(each, len(each)) for s, each in rows.items()}
        one, other = (stream(task, thresholds(), each).rejected for each in (rows, shuffled))
        assert sorted(of_rows(one)) == sorted(of_rows(other))


def test_labels_that_the_task_lacks_are_named_by_their_rows(
    task: Task, row: MakeRow, thresholds: Thresholds, stream: Stream
) -> None:
    labels = ["b", "b", "c", "a", "track"]
    train = [row("train", str(n), label=label) for n, label in enumerate(labels)]
    found = stream(task, thresholds(), {"train": train, "validation": [], "test": []})
    assert found.sieve.unknown_labels(2) == ({"b": 2, "a": 1}, 3)
    assert list(found.sieve.unknown_labels(2)[0]) == ["b", "a"]


def test_names_that_differ_in_case_alone_are_columns_of_their_own(
    task: Task, row: MakeRow, stream: Stream
) -> None:
    one = row("train", "a") | {"slice_Channel": "app"}
    found = stream(task, None, {"train": [one], "validation": [], "test": []})
    assert found.column("slice_channel") == ["web"]
    assert found.column("slice_Channel (2)") == ["app"]
