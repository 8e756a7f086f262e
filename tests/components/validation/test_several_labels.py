"""In: rows with several labels each. Out: proof that each label counts, however it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from components.params import ValidationParams
from components.schema import SPLITS
from components.tasks import load_task
from components.tasks.multilabel import Options
from components.validation.accepted import FOREIGN
from components.validation.rules import LABELS, frames, rules
from tests.components.validation.conftest import MakeRow, Stream

TASK = load_task(
    Options(kind="multilabel", labels=("joy", "love", "fear"), separator=",", thresholds=None)
)
Thresholds = Callable[..., ValidationParams]


@pytest.mark.parametrize(
    ("other", "reason"), [("love,joy", "duplicate_text"), ("love", "conflicting_label")]
)
def test_copies_agree_when_they_have_the_same_labels_in_any_order(
    row: MakeRow, thresholds: Thresholds, stream: Stream, other: str, reason: str
) -> None:
    rows = {
        "test": [row("test", "a", text="so nice of you", label="joy,love")],
        "validation": [],
        "train": [row("train", "b", text="So nice of you", label=other)],
    }
    sifted = stream(TASK, thresholds(), rows)
    assert [found for _, found in sifted.rejected] == [reason]


def test_each_label_of_a_row_is_counted_and_no_rule_takes_a_cell_for_a_label(
    row: MakeRow, thresholds: Thresholds, stream: Stream
) -> None:
    cells = ["joy,love", '["love"]', "joy", "fear,love", "[]"]
    rows = {s: [row(s, str(i), label=c) for i, c in enumerate(cells)] for s in SPLITS}
    sifted = stream(TASK, thresholds(), rows)
    assert not sifted.rejected
    found = frames(TASK, sifted.accepted, sifted.sieve)
    assert found[LABELS]["train"].tolist() == [2, 3, 1]
    assert found[LABELS]["train_share"].tolist() == pytest.approx([0.4, 0.6, 0.2])
    assert sifted.column(FOREIGN) == [0] * 15
    (rule,) = (r for r in rules(TASK, thresholds(), []) if r.name == "labels are those of the task")
    assert (rule.options["column"], rule.options["value_set"]) == (FOREIGN, [0])
