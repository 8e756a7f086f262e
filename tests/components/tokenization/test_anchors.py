"""In: a task whose labels are texts. Out: their tokens beside the splits', whole or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from components.anchors import anchored
from components.errors import DataError
from components.files import sha256_file
from components.params import TokenizationParams
from components.records import write_card, write_split
from components.schema import SPLITS, example_schema
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.matching import Options
from components.tokenization import tokenize
from components.tokens import open_anchors, open_split, read_token_card


@pytest.fixture
def matching() -> Task:
    return load_task(Options.example())


@pytest.fixture
def examples(matching: Task, tmp_path: Path) -> Path:
    folder = tmp_path / "augmented"
    schema = example_schema(matching.columns, (), augmented=True)
    for split in SPLITS:
        rows = [
            {**sample, "id": f"{split}{n}", "group": str(n), "split": split, "source_row": n}
            for n, sample in enumerate(matching.samples())
        ]
        write_split(folder, split, pa.Table.from_pylist(rows, schema=schema))
    write_card(folder, data="d" * 64)
    return folder


def test_items_are_tokenized_once_in_the_order_of_the_labels(
    matching: Task, examples: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tokens"
    tokenize(matching, TokenizationParams(max_length=64, max_truncated_share=1.0),
             tiny_encoder, "e", examples, out)  # fmt: skip
    matched, found = anchored(matching), open_anchors(out)
    assert matched is not None
    assert found is not None
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    expected = matching.encode(tokenizer, matched.anchors(), 64).input_ids
    assert [found.row(row).tolist() for row in range(len(found))] == expected
    assert found.targets.tolist() == [0, 1, 2]
    named = read_token_card(out)["sha256"]
    assert named["anchors.input_ids.npy"] == sha256_file(out / "anchors.input_ids.npy")
    assert open_split(out, "train").targets.tolist() == [0, 1]


def test_an_item_whose_text_does_not_fit_is_named(
    examples: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    items = {"track": "order", "refund": "money " * 9, "login": "reset"}
    task = load_task(Options(kind="matching", items=items, scale=20.0, pooling="mean"))
    short = TokenizationParams(max_length=8, max_truncated_share=1.0)
    with pytest.raises(DataError, match=r"cut were refund\n"):
        tokenize(task, short, tiny_encoder, "e", examples, tmp_path / "tokens")


def test_other_tasks_have_no_items(
    task: Task, tiny_encoder: Path, make_data: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [("where is my order", "track")]
    data = make_data(dict.fromkeys(SPLITS, rows))
    params = TokenizationParams(max_length=64, max_truncated_share=1.0)
    tokenize(task, params, tiny_encoder, "e", data, tmp_path / "tokens")
    assert open_anchors(tmp_path / "tokens") is None
