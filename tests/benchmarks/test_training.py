"""In: the tiny encoder. Out: the benchmark of training counts its work right, and finds misses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.training import Found
from benchmarks.training_data import forward_flops
from components.tasks.base import Task
from components.tokens import TokenSplit
from components.training.feed import Feed
from components.training.lean import lean
from components.training.model import load_model


@pytest.mark.parametrize("length", [5, 17])
def test_work_is_counted_as_torch_counts_it(task: Task, tiny_encoder: Path, length: int) -> None:
    ids = np.full(length, 7, dtype=np.int32)
    feed = Feed(task, TokenSplit(ids, np.array([0, length]), np.zeros(1)), 0, torch.device("cpu"))
    model = lean(load_model(task, tiny_encoder, 0.0).eval(), feed).requires_grad_(False)
    # The fused kernel is one operator, which torch does not count on a CPU.
    unfused = sdpa_kernel(SDPBackend.MATH)
    with unfused, FlopCounterMode(display=False) as counter:
        model(input_ids=torch.full((3, length), 7))
    counted = forward_flops(tiny_encoder, len(task.labels), np.full(3, length))
    assert counted == counter.get_total_flops()


def test_figure_that_is_low_absent_or_no_number_is_missed() -> None:
    limits = {"high": 2.0, "low": 2.0, "absent": 1.0, "broken": 1.0}
    rounds = {"high": [2.0, 1.0, 9.0], "low": [1.9, 1.0, 9.0], "broken": [float("nan")] * 3}
    assert Found("toy", rounds, limits).missed == ["low", "absent", "broken"]
    assert Found("toy", rounds, limits).as_json()["spread"]["low"] == [1.0, 9.0]
