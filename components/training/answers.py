"""In: a fitted model and a split of the tokens. Out: its logits on every row, and what they set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
