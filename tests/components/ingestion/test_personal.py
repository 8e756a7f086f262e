"""In: rows with personal data. Out: proof that masks leave none of it, and move no row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import ParamsError
from components.params import load_params
from components.params.sections import PersonalParams
from components.records import read_examples
from components.schema import SPLITS

Ingest = Callable[..., Path]

SECRETS = ("anna.k@mail.example.com", "4111 1111 1111 1111", "(415) 555-2671")
MASK = PersonalParams(mask=True, phone_region="US")


def csv() -> str:
    lines = [
        f'c{number}@shop.example,"{number}: my parcel, {secret}, is late",track,web'
        for number in range(60)
        for secret in SECRETS
    ]
    return "\n".join(["customer,body,intent,channel", *lines]) + "\n"


def test_masked_data_hold_nothing_personal(run_ingest: Ingest) -> None:
    raw = run_ingest({"a.csv": csv()}, personal=MASK)
    rows = [row for split in SPLITS for row in read_examples(raw, split)]

    told = {f"{row['text']} {row['group']}" for row in rows}
    assert [said for said in told if any(secret in said for secret in SECRETS)] == []
    assert [said for said in told if "@shop.example" in said] == []
    assert {row["text"].split(", ")[1] for row in rows} == {
        "xxxx.x@xxxx.xxxxxxx.xxx",
        "0000 0000 0000 0000",
        "(000) 000-0000",
    }


def test_masks_move_no_row_to_another_split(run_ingest: Ingest, tmp_path: Path) -> None:
    def places(raw: Path) -> dict[str, tuple[str, int]]:
        rows = [row for split in SPLITS for row in read_examples(raw, split)]
        return {row["id"]: (row["split"], row["source_row"]) for row in rows}

    plain = places(run_ingest({"a.csv": csv()}))
    masked = places(run_ingest({"a.csv": csv()}, personal=MASK))

    assert masked == plain


def test_rows_of_one_person_stay_together(run_ingest: Ingest) -> None:
    raw = run_ingest({"a.csv": csv()}, personal=MASK)
    rows = [row for split in SPLITS for row in read_examples(raw, split)]

    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["group"], set()).add(row["split"])
    assert len(splits) == 60
    assert all(len(own) == 1 for own in splits.values())
    assert all(group.startswith("group:") for group in splits)


def test_a_region_that_has_no_numbering_plan_is_refused(root: Path, tmp_path: Path) -> None:
    text = (root / "params.yaml").read_text()
    wrong = text.replace("phone_region: null}", "phone_region: UK}")
    assert wrong != text
    (tmp_path / "params.yaml").write_text(wrong)

    with pytest.raises(ParamsError, match="such as GB, found UK"):
        load_params(tmp_path / "params.yaml")
