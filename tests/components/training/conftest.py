"""In: the tiny encoder. Out: toy tokens whose label a tiny model can learn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.files import write_json
from components.params import TrainingParams
from components.tasks.base import Task
from components.tokens import array_path
from tests.components.training.shortage import Toy
from tests.components.training.trainer import Trainer

CLS, SEP, FIRST_WORD, WORDS = 2, 3, 5, 60
ROWS = {"train": 90, "validation": 30}


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """Three labels, each given away by one token that only its rows have."""
    folder = tmp_path_factory.mktemp("tokens")
    generator = np.random.default_rng(0)
    for split, rows in ROWS.items():
        targets = generator.integers(0, 3, rows)
        lengths = generator.integers(2, 20, rows)
        ids = [
            [CLS, FIRST_WORD + int(target), *generator.integers(FIRST_WORD + 3, WORDS, n), SEP]
            for target, n in zip(targets, lengths, strict=True)
        ]
        offsets = np.cumsum([0, *(len(row) for row in ids)], dtype=np.int64)
        flat = np.concatenate([np.array(row, dtype=np.int32) for row in ids])
        arrays = {"input_ids": flat, "offsets": offsets, "targets": targets.astype(np.int64)}
        for name, array in arrays.items():
            np.save(array_path(folder, split, name), array)  # type: ignore[arg-type]
    shutil.copyfile(tiny_encoder / "tokenizer.json", folder / "tokenizer.json")
    write_json(folder / "card.json", {"data": "d" * 64, "max_length": 32, "pad_id": 0})
    return folder


@pytest.fixture
def section(params_tree: dict[str, Any]) -> Callable[..., TrainingParams]:
    """Make a training section; the tiny encoder wants a high rate."""

    def make(**values: Any) -> TrainingParams:
        base = {"epochs": 2, "batch_size": 16, "learning_rate": 5e-3, "dropout": 0.1}
        tree = params_tree["training"] | base | values
        return TrainingParams.model_validate_json(json.dumps(tree))

    return make


@pytest.fixture
def trainer(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
) -> Callable[..., Trainer]:
    def make(minutes: float = 0.0, name: str = "checkpoints", **values: Any) -> Trainer:
        params = section(**({"epochs": 3, "accumulation": 2} | values))
        return Trainer(task, params, tiny_encoder, tokens, tmp_path / name, minutes)

    return make


@pytest.fixture
def toy(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, tokens: Path
) -> Callable[..., Toy]:
    def make(**values: Any) -> Toy:
        return Toy(task, section(**values), tiny_encoder, tokens)

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Leave the other cores to the other tests."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
