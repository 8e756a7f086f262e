"""In: a fitted model and a split of the tokens. Out: its logits on every row, and what they set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.schema import Seen
from components.tasks import load_task
from components.tasks.base import Array, Task
from components.tokens import open_anchors, open_split, read_token_card
from components.training.feed import Feed
from components.training.scoring import logits_of

if TYPE_CHECKING:
    import torch


def answers(model: torch.nn.Module, task: Task, tokens: Path, split: Seen) -> list[Array]:
    """Return each row's float32 logits in the split's order, without dropout.

    Args:
        model: of `Fitted`; it is on the CPU again, and in evaluation mode, afterwards.
        task: collates.
        tokens: folder that tokenize wrote.
        split: of the tokens.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pad_id, anchors = int(read_token_card(tokens)["pad_id"]), open_anchors(tokens)
    feed = Feed(task, open_split(tokens, split), pad_id, device, anchors=anchors)
    try:
        return logits_of(model.to(device), feed)
    finally:
        model.to("cpu").eval()


def tallies(model: torch.nn.Module, task: Task, tokens: Path) -> Array:
    """Return (validation rows, tallies) of its answers; zeros where a row asks nothing.

    Of a long text's windows those without the answer are left out by some tasks.
    """
    split = open_split(tokens, "validation")
    logits = answers(model, task, tokens, "validation")
    rows = [task.from_tokens([split.target(row)], [logits[row]]) for row in range(len(split))]
    asked = np.array([bool(examples) for examples, _ in rows])
    told = task.tallies(
        [example for examples, _ in rows for example in examples],
        [array for _, arrays in rows for array in arrays],
    )
    found = np.zeros((len(rows), *told.shape[1:]), dtype=told.dtype)
    found[asked] = told
    return found


def tuned(model: torch.nn.Module, task: Task, tokens: Path) -> Task:
    """Return the task with the options that its answers to the validation rows set.

    Args:
        model: of `Fitted`; on the CPU and in evaluation mode afterwards.
        task: as params describe it.
        tokens: folder that tokenize wrote.
    """
    if not task.tunes:
        return task
    split = open_split(tokens, "validation")
    targets = [split.target(row) for row in range(len(split))]
    return load_task(task.tuned(targets, answers(model, task, tokens, "validation")))
