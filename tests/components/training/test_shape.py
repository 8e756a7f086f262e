"""In: options of how a model is computed. Out: costs may differ, what comes out does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from components.params import TrainingParams
from components.tasks.base import Task
from components.tokens import open_split
from components.training import fit
from components.training.feed import Feed
from components.training.model import compiles, load_model, shape

Section = Callable[..., TrainingParams]
CPU = torch.device("cpu")


def gradients(
    task: Task, encoder: Path, params: TrainingParams, tokens: Path
) -> tuple[dict[str, torch.Tensor], int]:
    """Return the gradients of one batch, and how often the first layer was computed for them."""
    torch.manual_seed(0)
    model = load_model(task, encoder, params.dropout).train()
    shape(model, params, CPU)
    calls: list[None] = []
    layer = model.base_model.encoder.layer[0].attention  # type: ignore[union-attr, index]
    layer.register_forward_hook(lambda *_: calls.append(None))
    feed = Feed(task, open_split(tokens, "train"), 0, CPU)
    rows = np.arange(16)
    logits = model(**feed.inputs(rows)).logits
    torch.nn.functional.cross_entropy(logits, feed.targets(rows)).backward()
    found = {n: w.grad for n, w in model.named_parameters() if w.grad is not None}
    return found, len(calls)


def test_gradient_checkpointing_gives_the_same_gradients(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    kept, once = gradients(task, tiny_encoder, section(), tokens)
    twice = section(gradient_checkpointing=True)
    again, calls = gradients(task, tiny_encoder, twice, tokens)
    assert (once, calls) == (1, 2)
    assert kept.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in kept.items())


def test_gradient_checkpointing_gives_the_same_weights(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    """With dropout drawn in the light way, which the second computation must draw alike."""
    first, second = (
        fit(task, section(gradient_checkpointing=on, dropout=0.3), tiny_encoder, tokens, 7)
        for on in (False, True)
    )
    state = second.model.state_dict()
    for name, value in first.model.state_dict().items():
        assert torch.equal(state[name], value)


def test_compiling_is_for_gpus(section: Section) -> None:
    assert not compiles(section(compile="auto"), CPU)
    assert compiles(section(compile="auto"), torch.device("cuda"))
    assert not compiles(section(compile="never"), torch.device("cuda"))


def test_padding_to_few_shapes_changes_no_logit(
    task: Task, tiny_encoder: Path, tokens: Path
) -> None:
    model = load_model(task, tiny_encoder, 0.0).eval()
    split = open_split(tokens, "train")
    exact, coarse = (Feed(task, split, 0, CPU, multiple) for multiple in (1, 8))
    lengths = set()
    for start in range(0, 90, 9):
        rows = np.arange(start, start + 9)
        inputs = coarse.inputs(rows)
        assert inputs["input_ids"].shape == inputs["attention_mask"].shape
        lengths.add(inputs["input_ids"].shape[1])
        torch.testing.assert_close(
            model(**inputs).logits, model(**exact.inputs(rows)).logits, atol=1e-5, rtol=1e-5
        )
    assert lengths <= {8, 16, 24}


@pytest.mark.parametrize("multiple", [1, 8])
def test_single_length_needs_a_mask_only_when_shapes_are_few(
    task: Task, tokens: Path, multiple: int
) -> None:
    feed = Feed(task, open_split(tokens, "train"), 0, CPU, multiple)
    assert ("attention_mask" in feed.inputs(np.array([3]))) is (multiple > 1)
