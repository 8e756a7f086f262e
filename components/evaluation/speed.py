"""In: a predictor and texts. Out: how long a user waits, and how many texts a second it answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from components.inference import Predictor
from components.tasks.base import Example

WARM_UP: Final = 10


def latency(predictor: Predictor, examples: Sequence[Example], requests: int) -> dict[str, Any]:
    """Time single requests from text to answer; the first ones, which fill caches, do not count.

    Returns:
        requests, and the 50th and 95th percentile in milliseconds.
    """
    chosen = spread(examples, requests)
    for example in chosen[:WARM_UP]:
        predictor.predict([example], 1)
    taken = []
    for example in chosen:
        start = time.perf_counter()
        predictor.predict([example], 1)
        taken.append(1000 * (time.perf_counter() - start))
    middle, slow = (float(value) for value in np.percentile(taken, [50, 95]))
    return {"requests": requests, "p50_ms": round(middle, 3), "p95_ms": round(slow, 3)}


def throughput(
    predictor: Predictor, examples: Sequence[Example], batches: int, batch_size: int
) -> float:
    """Return examples per second, from text to answer, in batches of texts of like length."""
    chosen = spread(examples, batches * batch_size)
    predictor.predict(chosen[:batch_size], batch_size)
    start = time.perf_counter()
    predictor.predict(chosen, batch_size)
    return round(len(chosen) / (time.perf_counter() - start), 1)


def spread(examples: Sequence[Example], count: int) -> list[Example]:
    """Choose `count` examples evenly over the whole split, so that every artifact gets the same."""
    return [examples[index * len(examples) // count] for index in range(count)]
