"""In: nothing. Out: seconds and peak memory of the gate's statistics at full size, as JSON.

    python -m benchmarks.gate_cost

10,000 examples of 77 labels, each its own group, in 50 slices (5 columns of 10 values), 10,000
resamples: the scores of both models, the difference, and the differences within the slices.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Final

import numpy as np

from components.gate.statistics import (
    by_group,
    difference,
    intervals,
    share,
    shares,
    slice_differences,
    slices_of,
)
from components.tasks import load_task
from components.tasks.classification import Options

EXAMPLES: Final = 10_000
RESAMPLES: Final = 10_000
LABELS: Final = 77
COLUMNS: Final = 5
VALUES: Final = 10
RIGHT: Final = 0.92
MARGIN: Final = 0.05
CONFIDENCE: Final = 0.95


def main() -> None:
    """Make answers, compute what the gate computes of them, and print what it took."""
    rng = np.random.default_rng(7)
    names = tuple(f"label {number}" for number in range(LABELS))
    task = load_task(Options(kind="classification", labels=names))
    gold = rng.integers(0, LABELS, EXAMPLES)
    examples = [{"label": names[label]} for label in gold]
    groups = [str(number) for number in range(EXAMPLES)]
    given = [
        np.where(rng.random(EXAMPLES) < RIGHT, gold, rng.integers(0, LABELS, EXAMPLES))
        for _ in ("candidate", "champion")
    ]
    logits = [list(np.eye(LABELS)[answers]) for answers in given]
    values = rng.integers(0, VALUES, (COLUMNS, EXAMPLES))
    rows = [np.flatnonzero(column == n).tolist() for column in values for n in range(VALUES)]

    started, busy = time.perf_counter(), time.process_time()
    tallies = [task.tallies(examples, each) for each in logits]
    sums = [by_group(each, groups) for each in tallies]
    for answers, own in zip(given, sums, strict=True):
        scored = [(share, by_group(shares(answers == gold), groups)), (task.score, own)]
        intervals(scored, RESAMPLES, CONFIDENCE, rng)
    difference([task.score, task.score], sums, RESAMPLES, CONFIDENCE, rng)
    slices = slices_of(tallies, groups, rows, [True] * len(rows))
    slice_differences([task.score, task.score], slices, MARGIN, RESAMPLES, CONFIDENCE, rng)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    gib = peak / (2**20 if sys.platform != "darwin" else 2**30)
    found = {"seconds": round(seconds, 1), "cpu": round(cpu, 1), "gib": round(gib, 2)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
