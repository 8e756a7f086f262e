"""In: tokens with items' texts. Out: an encoder that matches, the same in training and served."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy, normalize

from components.anchors import anchored
from components.errors import DataError
from components.inference import load_predictor
from components.inference.embedding import unread
from components.params import TrainingParams
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.matching import Options
from components.tokens import ANCHORS, array_path, open_anchors, open_split, subset
from components.training.answers import answers
from components.training.feed import Feed
from components.training.fit import fit
from components.training.lean import lean
from components.training.loss import summed_match
from components.training.matching import matched_loss
from components.training.model import load_model
from components.training.save import save

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def task() -> Task:
    """Four items, of which no training row names the last."""
    items = {"track": "where order", "refund": "money back", "login": "reset", "other": "card"}
    return load_task(Options(kind="matching", items=items, scale=20.0, pooling="mean"))


@pytest.fixture
def tokens(tokens: Path, task: Task, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(tokens, tmp_path / "tokens"))
    matched = anchored(task)
    assert matched is not None
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = task.encode(tokenizer, matched.anchors(), 32).input_ids
    arrays = {
        "input_ids": np.concatenate([np.array(row, np.int32) for row in rows]),
        "offsets": np.cumsum([0, *map(len, rows)]),
        "targets": np.arange(len(rows)),
    }
    for name, array in arrays.items():
        np.save(array_path(folder, ANCHORS, name), array)
    return folder


@pytest.fixture
def feed(task: Task, tokens: Path) -> Feed:
    return Feed(task, open_split(tokens, "train"), 0, CPU, anchors=open_anchors(tokens))


def model_of(task: Task, encoder: Path) -> torch.nn.Module:
    torch.manual_seed(0)
    return load_model(task, encoder, 0.0).eval()


def test_loss_is_the_cross_entropy_of_scaled_cosines() -> None:
    torch.manual_seed(0)
    texts, items = (normalize(torch.randn(n, 8), dim=-1) for n in (5, 3))
    targets = torch.tensor([0, 1, 2, 2, 1])
    logits = torch.stack([torch.stack([20 * (t @ i) for i in items]) for t in texts])
    expected = cross_entropy(logits, targets, reduction="sum")
    torch.testing.assert_close(summed_match(texts, items, targets, 20.0), expected)


def test_parts_of_a_batch_have_the_loss_of_the_whole(
    task: Task, tiny_encoder: Path, feed: Feed
) -> None:
    model, batch = model_of(task, tiny_encoder), np.arange(12)
    whole = matched_loss(model, feed, 20.0, batch, batch)
    parts = sum(matched_loss(model, feed, 20.0, part, batch) for part in np.array_split(batch, 3))
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    only = batch[np.asarray(feed.tokens.targets)[batch] == 0]
    assert matched_loss(model, feed, 20.0, only, only).item() == 0, "nothing to be told from"


def test_a_vector_is_the_mean_of_the_tokens_that_are_no_padding(
    task: Task, tiny_encoder: Path, feed: Feed
) -> None:
    model = model_of(task, tiny_encoder)
    assert not any(unread(name) for name in model.state_dict())
    rows = np.array([feed.lengths.argmin(), feed.lengths.argmax()])
    inputs = feed.inputs(rows)
    seen: list[Any] = []
    model.encoder.register_forward_hook(lambda *given: seen.append(given[2]))  # type: ignore[union-attr, operator]
    vectors = model(**inputs).logits
    hidden = seen[0].last_hidden_state
    for at, row in enumerate(rows):
        mean = hidden[at, : feed.lengths[row]].mean(dim=0)
        torch.testing.assert_close(vectors[at], mean / mean.norm())


def test_words_of_items_are_trained_too(task: Task, tiny_encoder: Path, feed: Feed) -> None:
    assert feed.anchors is not None
    model = lean(model_of(task, tiny_encoder), feed)
    seen = model.get_input_embeddings().seen  # type: ignore[operator]
    assert set(feed.anchors.input_ids.tolist()) <= set(seen.tolist())


@pytest.mark.parametrize("adapter", ["none", "lora", "bottleneck", "prefix", "prompt"])
def test_what_is_learned_is_answered_by_the_saved_bundle(
    adapter: str,
    task: Task,
    tiny_encoder: Path,
    tokens: Path,
    section: Callable[..., TrainingParams],
    tmp_path: Path,
) -> None:
    params = section(epochs=1, adapter=adapter, adapter_rank=4)
    fitted = fit(task, params, tiny_encoder, tokens, 7)
    save(fitted, task, tokens, {"id": "0" * 64}, tmp_path / "trained")
    predictor = load_predictor(tmp_path / "trained", threads=1)
    expected = answers(fitted.model, task, tokens, "validation")
    split = open_split(tokens, "validation")
    asked = {"input_ids": np.asarray([split.row(0)], dtype=np.int64)}
    asked["attention_mask"] = np.ones_like(asked["input_ids"])
    matched = anchored(task)
    assert matched is not None
    assert predictor._anchors is not None
    found = matched.against(predictor.forward(asked), predictor._anchors)
    assert found.shape == (1, 4)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-3)


def test_items_that_texts_name_come_near_them(
    task: Task, tiny_encoder: Path, tokens: Path, section: Callable[..., TrainingParams]
) -> None:
    before, after = (
        fit(task, section(epochs=epochs, learning_rate=rate), tiny_encoder, tokens, 7).score
        for epochs, rate in ((1, 1e-9), (10, 5e-3))
    )
    assert after > 0.7 > before


def test_fewer_rows_keep_the_items(task: Task, tokens: Path, tmp_path: Path) -> None:
    subset(tokens, np.arange(5), tmp_path / "few")
    few, whole = open_anchors(tmp_path / "few"), open_anchors(tokens)
    assert few is not None
    assert whole is not None
    np.testing.assert_array_equal(few.input_ids, whole.input_ids)


def test_tokens_without_items_are_refused(
    task: Task, tokens: Path, tiny_encoder: Path, section: Callable[..., TrainingParams]
) -> None:
    for name in ("input_ids", "offsets", "targets"):
        array_path(tokens, ANCHORS, name).unlink()
    with pytest.raises(DataError, match="texts of the labels"):
        fit(task, section(), tiny_encoder, tokens, 7)
