from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.files import read_json, verify_manifest
from components.inference import load_bundle
from components.params import TrainingParams
from components.tasks.base import Task
from components.tokens import open_split
from components.training import Fitted, fit, save

LINEAGE = {"id": "l" * 64, "data": "d" * 64}


@pytest.fixture
def fitted(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, tokens: Path
) -> Fitted:
    return fit(task, section(epochs=2), tiny_encoder, tokens, 7)


def test_bundle_is_whole_and_says_what_it_is(
    task: Task, fitted: Fitted, tokens: Path, tmp_path: Path
) -> None:
    digest = save(fitted, task, tokens, LINEAGE, tmp_path / "trained")
    assert digest == verify_manifest(tmp_path / "trained")
    bundle = load_bundle(tmp_path / "trained")
    assert bundle.card.artifact == "trained"
    assert bundle.card.lineage == LINEAGE
    assert (bundle.card.max_length, bundle.card.pad_id) == (32, 0)
    assert bundle.task.options == task.options


def test_equal_seeds_give_equal_digests(
    task: Task,
    section: Callable[..., TrainingParams],
    fitted: Fitted,
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
) -> None:
    again = fit(task, section(epochs=2), tiny_encoder, tokens, 7)
    first = save(fitted, task, tokens, LINEAGE, tmp_path / "first")
    assert save(again, task, tokens, LINEAGE, tmp_path / "second") == first


def test_saved_model_answers_as_the_fitted_one(
    task: Task, fitted: Fitted, tokens: Path, tmp_path: Path
) -> None:
    import transformers

    save(fitted, task, tokens, LINEAGE, tmp_path / "trained")
    loaded = getattr(transformers, task.head).from_pretrained(tmp_path / "trained").eval()
    row = torch.from_numpy(np.asarray(open_split(tokens, "validation").row(0), dtype=np.int64))[
        None
    ]
    with torch.inference_mode():
        assert torch.equal(loaded(row).logits, fitted.model(row).logits)


def test_history_tells_each_epoch_and_no_time(
    task: Task, fitted: Fitted, tokens: Path, tmp_path: Path
) -> None:
    save(fitted, task, tokens, LINEAGE, tmp_path / "trained")
    history = read_json(tmp_path / "trained" / "training.json")
    assert [row["epoch"] for row in history["history"]] == [1, 2]
    assert set(history["history"][0]) == {"epoch", "loss", "accuracy", "macro_f1"}
    assert history["params"]["epochs"] == 2
    assert "second" not in str(history)


def test_bundle_names_no_folder_of_this_machine(
    task: Task, fitted: Fitted, tokens: Path, tmp_path: Path, tiny_encoder: Path
) -> None:
    save(fitted, task, tokens, LINEAGE, tmp_path / "trained")
    for path in (tmp_path / "trained").glob("*.json"):
        assert str(tiny_encoder) not in path.read_text(encoding="utf-8"), path
        assert str(tmp_path) not in path.read_text(encoding="utf-8"), path
