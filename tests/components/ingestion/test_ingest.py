"""In: toy sources. Out: proof that ids and splits follow from content alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError, ParamsError
from components.files import sha256_file
from components.ingestion.source import locate
from components.params.sections import SplitsParams
from components.records import read_card, read_examples, split_path
from components.schema import SPLITS

Ingest = Callable[..., Path]
LABELS = ("track", "refund", "login")


def toy_csv(rows: int) -> str:
    lines = [f"question {i},{LABELS[i % 3]},web,c{i // 2}" for i in range(rows)]
    return "\n".join(["body,intent,channel,customer", *lines]) + "\n"


def all_rows(folder: Path) -> list[Any]:
    return [row for split in SPLITS for row in read_examples(folder, split)]


def placed(folder: Path) -> dict[str, str]:
    return {row["id"]: row["split"] for row in all_rows(folder)}


def test_ids_and_splits_do_not_depend_on_row_order(run_ingest: Ingest) -> None:
    header, *lines = toy_csv(60).splitlines()
    lines.append(lines[3])
    forwards = placed(run_ingest({"a.csv": "\n".join([header, *lines])}))
    backwards = placed(run_ingest({"a.csv": "\n".join([header, *lines[::-1]])}))
    assert forwards == backwards
    assert len(forwards) == 61


def test_added_rows_move_no_others(run_ingest: Ingest) -> None:
    before = placed(run_ingest({"a.csv": toy_csv(60)}))
    after = placed(run_ingest({"a.csv": toy_csv(90)}))
    assert before.items() <= after.items()


def test_groups_never_cross_splits(run_ingest: Ingest) -> None:
    homes: dict[str, set[str]] = {}
    for row in all_rows(run_ingest({"a.csv": toy_csv(300)})):
        homes.setdefault(row["group"], set()).add(row["split"])
    assert len(homes) == 150
    assert all(len(splits) == 1 for splits in homes.values())


def test_shares_hold_about_and_the_seed_moves_groups(run_ingest: Ingest) -> None:
    first = placed(run_ingest({"a.csv": toy_csv(1000)}, group=None))
    shares = [list(first.values()).count(split) / 1000 for split in SPLITS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.05)
    assert first != placed(run_ingest({"a.csv": toy_csv(1000)}, group=None, seed=8))


def test_rows_without_a_group_are_kept_together_by_their_text(run_ingest: Ingest) -> None:
    csv = toy_csv(60) + "Hello  There,track,web,\nhello there,refund,web, \n"
    rows = [r for r in all_rows(run_ingest({"a.csv": csv})) if "hello" in r["text"].casefold()]
    assert len({r["group"] for r in rows}) == 1
    assert rows[0]["group"].startswith("text:")


def test_source_rows_count_records_from_one(run_ingest: Ingest) -> None:
    csv = 'body,intent,channel,customer\n"a\nb",track,web,c1\n\nc,refund,,c2\n'
    splits = SplitsParams(validation=0.0, test=0.0)
    files = {"a.csv": csv, "v.csv": toy_csv(2), "t.csv": toy_csv(2)}
    changes = {"validation_source": "v.csv", "test_source": "t.csv", "splits": splits}
    folder = run_ingest(files, **changes)
    train = read_examples(folder, "train")
    assert [(r["source_row"], r["text"], r["slice_channel"]) for r in train] == [
        (1, "a\nb", "web"),
        (2, "c", None),
    ]
    assert [r["split"] for r in read_examples(folder, "test")] == ["test", "test"]
    ids = [r["id"] for s in ("validation", "test") for r in read_examples(folder, s)]
    assert len(set(ids)) == 4, "the same row of two files has two ids"


def test_the_card_counts_and_names_digests(run_ingest: Ingest, tmp_path: Path) -> None:
    folder = run_ingest({"a.csv": toy_csv(60)})
    card = read_card(folder)
    assert card["rows"] == 60 == sum(facts["rows"] for facts in card["splits"].values())
    assert sum(facts["labels"]["login"] for facts in card["splits"].values()) == 20
    assert card["licence"] == "CC0-1.0"
    assert card["source_sha256"] == {"a.csv": sha256_file(tmp_path / "source" / "a.csv")}
    assert card["sha256"]["test"] == sha256_file(split_path(folder, "test"))


def test_nothing_is_written_when_a_split_is_empty(run_ingest: Ingest, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no row for .* \(rows: train"):
        run_ingest({"a.csv": toy_csv(2)})
    assert not (tmp_path / "raw").exists()


def test_a_missing_source_is_named_with_what_is_there(run_ingest: Ingest, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.csv is missing; .* there is: a\.csv"):
        run_ingest({"a.csv": toy_csv(2)}, source="b.csv")
    with pytest.raises(DataError, match="is no folder"):
        locate(tmp_path / "nowhere", "a.csv")


def test_sources_outside_the_folder_are_refused(run_ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(toy_csv(60))
    with pytest.raises(DataError, match="leads out of"):
        run_ingest({}, source="../secret.csv")
    (tmp_path / "source" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError, match="leads out of"):
        run_ingest({}, source="link.csv")


def test_the_tasks_fields_must_all_be_named(run_ingest: Ingest) -> None:
    with pytest.raises(ParamsError, match=r"ingestion\.columns\.fields\.label: missing"):
        run_ingest({"a.csv": toy_csv(60)}, fields={"text": "body"})
    fields = {"text": "body", "label": "intent", "span": "channel"}
    with pytest.raises(ParamsError, match=r"fields\.span: the task classification has no such"):
        run_ingest({"a.csv": toy_csv(60)}, fields=fields)


def test_values_are_renamed_and_ids_stay(run_ingest: Ingest) -> None:
    csv = toy_csv(60) + "odd,,web,c9\n"
    plain = {row["id"]: row for row in all_rows(run_ingest({"a.csv": csv}))}
    table = {"track": "refund", "refund": "track"}
    for row in all_rows(run_ingest({"a.csv": csv}, values={"label": table})):
        before = plain.pop(row["id"])
        assert row["label"] == table.get(before["label"], before["label"]), "each once, in one go"
        assert row["text"] == before["text"]
    assert not plain


def test_a_sample_is_described_wholly_by_its_name(run_ingest: Ingest) -> None:
    name = "sample:tickets?rows=200&seed=1"
    folder = run_ingest({}, source=name, group=None)
    card = read_card(folder)
    assert (card["rows"], card["source"], card["source_sha256"]) == (200, name, {name: None})
    again = read_card(run_ingest({}, source=name, group=None))
    assert card == again, "the same name gives the same bytes"


def test_an_unknown_sample_is_refused(run_ingest: Ingest) -> None:
    with pytest.raises(DataError, match="no such sample: 'sample:tickets'"):
        run_ingest({}, source="sample:tickets")
    with pytest.raises(DataError, match=r"column 'customer' is missing .*customer_id"):
        run_ingest({}, source="sample:tickets?rows=9&seed=1")


def test_banking77_is_read_as_given(run_ingest: Ingest, root: Path) -> None:
    folder = root.parent / "shared" / "data" / "banking77"
    if not (folder / "train.csv").is_file():
        pytest.skip(f"Banking77 is not at {folder}")
    files = {n: (folder / n).read_bytes().decode() for n in ("train.csv", "test.csv")}
    raw = run_ingest(
        files,
        test_source="test.csv",
        splits=SplitsParams(validation=0.1, test=0.0),
        fields={"text": "text", "label": "category"},
        group=None,
        slices=(),
    )
    card = read_card(raw)
    cut = card["splits"]["train"]["rows"] + card["splits"]["validation"]["rows"]
    assert (cut, card["splits"]["test"]["rows"]) == (10_003, 3_080)
    assert len(card["splits"]["test"]["labels"]) == 77
