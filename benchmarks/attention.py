"""In: the default encoder and this machine. Out: what a training step takes by way of attention.

    python -m benchmarks.attention [--rounds 5]

Fused (torch's scaled dot products) against plain, in alternating rounds on the same random batches:
32 rows of one length, and 32 rows padded to it. Steps are forward and backward, without dropout in
attention, as trainings have it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.record import ROOT
from benchmarks.training_rivals import machine
from components import encoders
from components.params.load import read_tree

WAYS: Final = ("sdpa", "eager")
LENGTHS: Final = (16, 64, 128)
ROWS: Final = 32
STEPS: Final = 3


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    asked = read_tree(ROOT / "params.yaml")["encoder"]
    encoder = encoders.locate(asked["source"], asked["sha256"], ROOT / ".state" / "encoder")
    models = {way: load(encoder, way) for way in WAYS}
    print(f"{'ms per step':<16}{'fused':>9}{'plain':>9}{'plain / fused':>15}")
    for length in LENGTHS:
        for padded in (False, True):
            fused, plain = compare(models, length, padded, rounds)
            name = f"{length}{' padded' if padded else ''}"
            print(f"{name:<16}{fused:>9.1f}{plain:>9.1f}{plain / fused:>15.2f}", flush=True)
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    return 0


def load(encoder: Path, way: str) -> Any:  # noqa: ANN401 - transformers' models
    """Load the encoder with one kind of attention, ready to be trained."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(
        encoder, attn_implementation=way, attention_probs_dropout_prob=0.0, local_files_only=True
    )
    return model.to("cuda" if torch.cuda.is_available() else "cpu").train()


def compare(models: dict[str, Any], length: int, padded: bool, rounds: int) -> list[float]:
    """Return the median milliseconds of a step, fused and plain."""
    import torch

    device = models[WAYS[0]].device
    draw = torch.Generator().manual_seed(length)
    inputs = {"input_ids": torch.randint(1000, 20_000, (ROWS, length), generator=draw).to(device)}
    if padded:
        ends = torch.randint(length // 2, length, (ROWS, 1), generator=draw)
        inputs["attention_mask"] = (torch.arange(length) < ends).long().to(device)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way, model in models.items():
            spent = seconds(model, inputs)
            if number:  # the first warms up
                found[way].append(1000 * spent / STEPS)
    return [statistics.median(found[way]) for way in WAYS]


def seconds(model: Any, inputs: dict[str, Any]) -> float:  # noqa: ANN401
    """Return what some steps take."""
    import torch

    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    wait()
    began = time.perf_counter()
    for _ in range(STEPS):
        model(**inputs).last_hidden_state.float().square().mean().backward()
        model.zero_grad()
    wait()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
