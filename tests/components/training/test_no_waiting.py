"""In: a step of each kind of training. Out: it asks the device for no value: it would have to wait.

On a GPU the host prepares the next batch while the device computes; one look at a number ends that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from components.params import TrainingParams
from components.tasks.base import Task
from components.training.lean import lean, plain
from tests.components.training.ways import running

PADDED = np.arange(16)
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "averaging": {"averaging": 0.9},
    "adversarial": {"adversarial": 0.3},
    "class weights": {"class_weights": "balanced"},
    **{kind: {"adapter": kind} for kind in ("lora", "bottleneck", "prefix", "prompt")},
}


class Looks(TorchDispatchMode):
    """Counts the operations whose result the host must have before it goes on."""

    waits = ("_local_scalar_dense", "is_nonzero", "nonzero", "equal.default", "masked_select")

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, operation: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(name in str(operation) for name in self.waits):
            self.seen[str(operation)] += 1
        return operation(*args, **(kwargs or {}))


def test_look_at_a_number_is_seen() -> None:
    with Looks() as looks:
        float(torch.ones(3).sum())
    assert looks.seen == {"aten._local_scalar_dense.default": 1}


@pytest.mark.parametrize("way", WAYS)
def test_step_asks_the_device_for_nothing(
    task: Task, section: Callable[..., TrainingParams], tiny_encoder: Path, tokens: Path, way: str
) -> None:
    with running(task, section(**WAYS[way]), tiny_encoder, tokens) as run:
        assert "attention_mask" in run.train.inputs(PADDED)
        run.step(PADDED, 1)
        with Looks() as looks:
            run.step(PADDED, 2)
        assert looks.seen == {}


@pytest.mark.parametrize("family", ["Bert", "Roberta", "DistilBert", "Electra", "ModernBert"])
def test_mask_that_was_made_ahead_masks_the_same(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    family: str,
) -> None:
    with running(task, section(dropout=0.0), tiny_encoder, tokens) as run:
        inputs, train = run.train.inputs(PADDED), run.train
    model = small(family)
    with torch.inference_mode():
        expected = model(**inputs).logits
        found = lean(model, train)(**inputs).logits
        again = plain(model)(**inputs).logits
    torch.testing.assert_close(found, expected)
    assert torch.equal(again, expected)
    assert not any(module._forward_pre_hooks for module in model.modules())


def small(family: str) -> torch.nn.Module:
    """A random model of a family for three labels, two layers high."""
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    if family == "DistilBert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    config = getattr(transformers, f"{family}Config")(
        vocab_size=100, num_labels=3, pad_token_id=0, attn_implementation="sdpa", **sizes
    )
    torch.manual_seed(0)
    model: torch.nn.Module = getattr(transformers, f"{family}ForSequenceClassification")(config)
    return model.eval()
