from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from components.errors import DataError, EncoderError, IntegrityError, ParamsError
from components.params import TokenizationParams
from components.records import read_split, write_card, write_split
from components.schema import SEEN, SPLITS
from components.spans import write_spans
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.ner import Options
from components.tokenization import tokenize
from components.tokens import (
    open_altered,
    open_groups,
    open_roots,
    open_split,
    read_token_card,
)

ROWS = {
    "train": [("where is my order", "track"), ("refund", "refund"), ("", "login")] * 3,
    "validation": [("i want my money back please", "refund")],
    "test": [("password reset", "login"), ("where is my parcel", "track")],
}
PARAMS = TokenizationParams(max_length=16, max_truncated_share=1.0)
MakeData = Callable[..., Path]


def test_every_row_is_what_the_task_encodes(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    tokenize(task, PARAMS, tiny_encoder, "e", make_data(ROWS), tmp_path / "tokens")
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    for split in SEEN:
        read = open_split(tmp_path / "tokens", split)
        examples = [{"text": text, "label": label} for text, label in ROWS[split]]
        expected = task.encode(tokenizer, examples, 16)
        assert [read.row(i).tolist() for i in range(len(read))] == expected.input_ids
        assert expected.targets is not None
        assert read.targets.tolist() == [target.tolist() for target in expected.targets]
        assert read.input_ids.dtype == np.int32
        assert read.offsets.dtype == np.int64


def test_altered_rows_and_groups_are_told_row_by_row(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    rows = {**ROWS, "validation": ROWS["train"]}
    data = make_data(rows, parents={"train1": "train0"})
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "tokens")
    altered, groups = open_altered(tmp_path / "tokens"), open_groups(tmp_path / "tokens")
    assert altered.tolist() == [index == 1 for index in range(9)]
    assert open_roots(tmp_path / "tokens").tolist() == [0, *range(8)]
    assert groups.tolist() == list(range(9))


def test_the_test_split_leaves_no_trace(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    """With other test rows, or none at all, the arrays and their card are the same bytes."""
    data = make_data(ROWS)
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "with")
    other = make_data({**ROWS, "test": [("refund", "refund")]}, name="other")
    tokenize(task, PARAMS, tiny_encoder, "e", other, tmp_path / "other")
    (data / "test.parquet").unlink()
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "without")
    for file in (tmp_path / "with").iterdir():
        assert not file.name.startswith("test")
        assert file.read_bytes() == (tmp_path / "without" / file.name).read_bytes()
        assert file.read_bytes() == (tmp_path / "other" / file.name).read_bytes()


def test_batches_leave_no_seam(
    task: Task,
    tiny_encoder: Path,
    make_data: MakeData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = make_data(ROWS)
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "one")
    monkeypatch.setattr(sys.modules["components.tokenization.tokenize"], "BATCH_ROWS", 2)
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "many")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "many" / file.name).read_bytes()


def test_same_examples_give_same_bytes(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    data = make_data(ROWS)
    first = tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "a")
    second = tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "b")
    assert first == second
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert len(names) == 5 + 4 + 2
    assert all(
        (tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names
    )


def test_card_tells_what_was_cut(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    rows = {**ROWS, "train": [("where is my order " * 3, "track"), ("refund", "refund")]}
    params = TokenizationParams(max_length=8, max_truncated_share=1.0)
    card = tokenize(task, params, tiny_encoder, "digest", make_data(rows), tmp_path / "tokens")
    assert card == read_token_card(tmp_path / "tokens")
    assert card["encoder"] == "digest"
    assert card["data"] == "d" * 64
    assert card["max_length"] == 8
    assert card["pad_id"] == 0
    assert card["rows"] == {"train": 2, "validation": 1}
    assert card["longest"] == {"train": 8, "validation": 8}
    assert card["truncated_rows"] == {"train": 1, "validation": 0}
    # 12 words of which 6 fit beside the special tokens; 1 and 6 words elsewhere
    assert card["truncated_share"] == pytest.approx(6 / 19)
    assert set(card["sha256"]) == {f.name for f in (tmp_path / "tokens").iterdir()} - {"card.json"}


def test_settings_hidden_in_the_tokenizer_have_no_effect(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.enable_padding(length=12, pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(4)
    tokenizer.save(str(encoder / "tokenizer.json"))
    data = make_data(ROWS)
    card = tokenize(task, PARAMS, encoder, "e", data, tmp_path / "a")
    assert card == tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "b")
    stored = json.loads((tmp_path / "a" / "tokenizer.json").read_text(encoding="utf-8"))
    assert stored["padding"] is None
    assert stored["truncation"] is None


def test_altered_rows_are_for_training_alone(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    fine = make_data(ROWS, name="fine", parents={"train1": "train0"})
    tokenize(task, PARAMS, tiny_encoder, "e", fine, tmp_path / "tokens")
    leak = make_data(ROWS, name="leak", parents={"validation0": "train0"})
    with pytest.raises(
        DataError, match="validation row 'validation0' is an altered copy of 'train0'"
    ):
        tokenize(task, PARAMS, tiny_encoder, "e", leak, tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("split", SEEN)
def test_empty_split_is_refused(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path, split: str
) -> None:
    data = make_data({**ROWS, split: []})
    with pytest.raises(DataError, match=f"the {split} split has no rows"):
        tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "tokens")
    assert not (tmp_path / "tokens").exists()


def test_examples_that_differ_from_their_card_are_refused(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    data = make_data(ROWS)
    shutil.copy(data / "train.parquet", data / "validation.parquet")
    with pytest.raises(
        IntegrityError, match=r"validation.parquet is not the file that card.json names"
    ):
        tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "tokens")


def test_longer_than_the_encoders_positions_is_refused(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    data = make_data(ROWS)
    with pytest.raises(
        ParamsError, match=r"tokenization.max_length: must be at most 128.*found 129"
    ):
        tokenize(
            task,
            TokenizationParams(max_length=129, max_truncated_share=1.0),
            tiny_encoder,
            "e",
            data,
            tmp_path / "tokens",
        )


def test_unreadable_tokenizer_is_named(
    task: Task, tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    (encoder / "tokenizer.json").write_text("{}")
    with pytest.raises(EncoderError, match=r"tokenizer.json is no tokenizer"):
        tokenize(task, PARAMS, encoder, "e", make_data(ROWS), tmp_path / "tokens")


def test_each_window_of_a_long_text_is_of_its_group_and_as_altered_as_its_row(
    tiny_encoder: Path, make_data: MakeData, tmp_path: Path
) -> None:
    task = load_task(Options(kind="ner", labels=("thing",), window_overlap=2, mark_capitals=False))
    long = " ".join(["parcel"] * 20)
    rows = {split: [(long, ""), ("refund", "")] for split in SPLITS}
    data = make_data(rows, parents={"train0": "train1"})
    for split in SPLITS:
        table = read_split(data, split).drop_columns("label")
        spans = pa.array([write_spans([]) for _ in range(len(table))], pa.string())
        write_split(data, split, table.append_column("entities", spans))
    write_card(data, data="d" * 64)
    tokenize(task, PARAMS, tiny_encoder, "e", data, tmp_path / "tokens")
    windows = len(open_split(tmp_path / "tokens", "validation")) - 1
    assert windows > 1
    assert open_groups(tmp_path / "tokens").tolist() == [0] * windows + [1]
    assert open_altered(tmp_path / "tokens").tolist() == [True] * windows + [False]
    # The first row is a copy of the second.
    assert open_roots(tmp_path / "tokens").tolist() == [0] * (windows + 1)
