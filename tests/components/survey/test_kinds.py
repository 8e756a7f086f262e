"""In: every kind of task. Out: proof that its rows can be surveyed, and what is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.survey import write_page
from components.tasks import load_task, options_type, task_kinds
from tests.components.survey.conftest import Survey

ASKED = {"classification", "multilabel", "ner"}


@pytest.mark.parametrize("kind", task_kinds())
def test_rows_of_every_kind_are_surveyed(kind: str, run: Survey, tmp_path: Path) -> None:
    options = options_type(kind).example()
    samples = load_task(options).samples()
    rows: list[dict[str, Any]] = [
        {
            "id": f"{number:024x}",
            "group": f"{number}",
            "split": split,
            "source_row": 1,
            "slice_channel": None,
            **samples[number % len(samples)],
        }
        for number, split in enumerate(["train", "train", "validation", "test"] * 6)
    ]

    found = run(rows, options=options)
    said = write_page(found, {}, kind, tmp_path / "data.html", tmp_path / "data.json")

    assert sum(found["rows"].values()) == len(rows)
    assert said in (tmp_path / "data.html").read_text()
    assert (found["suspects"]["skill"] is not None) == (kind in ASKED)


def test_wrong_and_missing_labels_of_many_are_found(run: Survey) -> None:
    from tests.components.survey.conftest import good_rows

    options = options_type("multilabel").example()
    first, second = options.labels[:2]
    rows = good_rows(per_label=100)
    for row in rows:
        meant = {"track": first, "refund": second, "login": f"{first},{second}"}[row["label"]]
        row["label"] = meant.replace(",", options.separator)
    extra = next(row for row in rows if row["label"] == first)
    extra["label"] = second
    lacking = next(row for row in rows if options.separator in row["label"])
    lacking["label"] = first

    found = run(rows, options=options)
    told = {row["id"]: (row["given"], row["meant"]) for row in found["texts"]["suspects"]}

    assert told[extra["id"]] in {(second, None), (None, first)}
    assert told[lacking["id"]] == (None, second)
