from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from components.tasks.base import Task
from components.tokens import open_split
from components.training.feed import Feed
from components.training.loss import summed_cross_entropy
from components.training.model import load_model
from components.training.optimizer import adamw


def feed(task: Task, tokens: Path) -> Feed:
    return Feed(task, open_split(tokens, "train"), pad_id=0, device=torch.device("cpu"))


def test_rows_of_equal_length_need_no_mask(task: Task, tokens: Path) -> None:
    train = feed(task, tokens)
    length = int(np.bincount(train.lengths).argmax())
    equal = np.flatnonzero(train.lengths == length)
    assert set(train.inputs(equal)) == {"input_ids"}
    assert train.inputs(equal)["input_ids"].shape == (len(equal), length)


def test_padded_rows_have_a_mask_and_their_own_logits(
    task: Task, tokens: Path, tiny_encoder: Path
) -> None:
    train = feed(task, tokens)
    rows = np.array([train.lengths.argmin(), train.lengths.argmax()])
    inputs = train.inputs(rows)
    assert inputs["attention_mask"].sum(dim=1).tolist() == train.lengths[rows].tolist()
    model = load_model(task, tiny_encoder, 0.1).eval()
    with torch.inference_mode():
        together = model(**inputs).logits
        alone = torch.cat([model(**train.inputs(np.array([row]))).logits for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_summed_loss_of_parts_is_the_loss_of_the_whole() -> None:
    logits, targets = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    whole = summed_cross_entropy(logits, targets, 0.1)
    parts = sum(summed_cross_entropy(logits[s], targets[s], 0.1) for s in (slice(3), slice(3, 7)))
    torch.testing.assert_close(parts, whole)
    mean = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
    torch.testing.assert_close(whole / 7, mean)


def test_biases_and_normalization_do_not_decay(
    task: Task, tiny_encoder: Path, section: object
) -> None:
    model = load_model(task, tiny_encoder, 0.1)
    optimizer = adamw(model, section(weight_decay=0.05))  # type: ignore[operator]
    decay = {id(w): g["weight_decay"] for g in optimizer.param_groups for w in g["params"]}
    for name, weight in model.named_parameters():
        exempt = name.endswith("bias") or "LayerNorm" in name
        assert decay[id(weight)] == (0.0 if exempt else 0.05), name
