"""In: each way to learn, killed in the middle. Out: the very same weights as without the kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.params import TrainingParams
from components.tasks.base import Task
from tests.components.training.trainer import STEPS, Killed, Trainer, kill, same

WAYS: dict[str, dict[str, Any]] = {
    "averaging": {"averaging": 0.9},
    "adversarial": {"adversarial": 0.3},
    "class weights": {"class_weights": "balanced"},
    "layer decay": {"layer_decay": 0.8},
    "freezing": {"frozen_layers": 1, "frozen_embeddings": True},
    **{kind: {"adapter": kind, "adapter_rank": 4} for kind in ("lora", "bottleneck", "prefix")},
    "adalora": {"adapter": "adalora", "adapter_rank": 2, "averaging": 0.9},
    "prompt": {"adapter": "prompt", "adapter_rank": 4, "adversarial": 0.3},
    "all": {
        "averaging": 0.9,
        "adversarial": 0.3,
        "class_weights": "balanced",
        "layer_decay": 0.8,
        "frozen_layers": 1,
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_training_that_was_killed_goes_on_to_the_same_weights(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
    way: str,
) -> None:
    """Killed in the middle of the second of three epochs."""
    params = section(epochs=3, accumulation=2, **WAYS[way])
    toy = Trainer(task, params, tiny_encoder, tokens, tmp_path)
    with pytest.raises(Killed):
        toy.train(kill(STEPS + 3))
    same(toy.train(), toy.unsaved())
    assert toy.taken == 2 * STEPS - 2
