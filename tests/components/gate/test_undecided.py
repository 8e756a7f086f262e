"""In: models that differ by little, or where it matters. Out: verdicts that say what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.files import read_json
from components.gate import decide, markdown, render
from components.gate.sentence import about
from components.records import read_split, write_card, write_split
from components.schema import SPLITS
from tests.components.gate.conftest import (
    ONE_WRONG,
    OTHER_WRONG,
    SETTINGS,
    TODAY,
    Bench,
    augment,
    params_of,
)
from tests.components.gate.test_decide import names, rules
from tests.components.pages.outline import Outline
from tests.components.toy_bundles import LABELS, WORDS

Row = dict[str, Any]


def with_test_rows(bench: Bench, out: Path, change: Callable[[list[Row]], list[Row]]) -> Bench:
    """Return a bench whose test split was made otherwise; the reports are made on it."""
    for split in SPLITS:
        table = read_split(bench.data, split)
        if split == "test":
            table = pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema)
        write_split(out / "data", split, table)
    card = read_json(bench.data / "card.json")
    counts = {split: len(read_split(out / "data", split)) for split in SPLITS}
    write_card(out / "data", data=card["data"], splits=counts)
    return replace(bench, data=out / "data", augmented=augment(out / "data", out / "augmented"))


def fewer_of(word: str, left: int) -> Callable[[list[Row]], list[Row]]:
    def change(rows: list[Row]) -> list[Row]:
        with_it = [row["id"] for row in rows if row["text"].startswith(word)]
        return [row for row in rows if row["id"] not in with_it[left:]]

    return change


def chat_is(*words: str) -> Callable[[list[Row]], list[Row]]:
    """Return a change that sorts the rows into two channels; those with wrong labels go."""

    def change(rows: list[Row]) -> list[Row]:
        said = {True: "chat", False: "mail"}
        right = [row for row in rows if row["label"] == LABELS[WORDS[row["text"].split()[0]]]]
        return [{**row, "slice_channel": said[row["text"].startswith(words)]} for row in right]

    return change


def test_a_gain_that_is_not_settled_is_undecidable_and_every_page_tells_how_many_rows_it_takes(
    bench: Bench, tmp_path: Path
) -> None:
    # The candidate errs on 18 rows, the champion on 24 others.
    few = with_test_rows(bench, tmp_path, fewer_of("even", 18))
    evidence = few.evidence(
        tmp_path / "r", bench.make("other", OTHER_WRONG), bench.make("poor", ONE_WRONG)
    )
    verdict = decide(params_of(), evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "undecidable"
    assert names(verdict, "open") == ["superior"]
    further = rules(verdict)["superior"]["needed"]
    assert verdict["needed"] == further > verdict["rows"]
    assert (
        f"about {about(further)} further labelled examples would settle it" in verdict["sentence"]
    )
    render(verdict, tmp_path / "gate.html")
    told = f"{further:,} more labelled test examples would be enough to decide"
    page = Outline((tmp_path / "gate.html").read_text(encoding="utf-8")).text
    assert told in " ".join(page.split())
    assert told in markdown(verdict)


@pytest.mark.parametrize("when", ["superior", "non_inferior"])
def test_a_loss_in_one_slice_holds_what_is_better_by_far_overall(
    bench: Bench, tmp_path: Path, when: str
) -> None:
    sliced = with_test_rows(bench, tmp_path, chat_is("odd", "password"))
    champion = bench.make("bad", {"parcel": 1, "money": 2})
    evidence = sliced.evidence(tmp_path / "r", bench.make("poor", ONE_WRONG), champion)
    params = params_of(promote_when=when, slices={"min_rows": 40, "margin": 0.1})
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert rules(verdict)[when]["state"] == "holds"
    assert rules(verdict)["slice:channel=mail"]["state"] == "holds"
    assert names(verdict, "broken") == ["slice:channel=chat"]
    assert verdict["verdict"] == "hold"
    assert "channel: chat" in verdict["sentence"]


def test_equal_models_on_few_groups_are_told_how_many_it_takes(
    bench: Bench, tmp_path: Path
) -> None:
    params = params_of(
        promote_when="non_inferior", margin=0.01, slices={"min_rows": 60, "margin": 0.02}
    )
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("twin", strength=5.0))
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "undecidable"
    reason = rules(verdict)["non_inferior"]["reason"]
    assert "60 groups are too few to show it even of equal models, which takes 276" in reason
    assert "60 groups are too few" in rules(verdict)["slice:channel=chat"]["reason"]
    render(verdict, tmp_path / "gate.html")
    page = " ".join(Outline((tmp_path / "gate.html").read_text(encoding="utf-8")).text.split())
    assert "60 groups are too few" in page[: page.index("Every rule enforces")]
