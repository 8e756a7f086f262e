"""In: candidate and champion. Out: how long one request takes with each, measured side by side.

Requests alternate, so that whatever else the machine does slows both alike: their ratio is steady
where neither latency is.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from components.inference import Predictor
from components.tasks.base import Example

WARM_UP: Final = 10
WARM_UP_SECONDS: Final = 0.5
REQUESTS: Final = 400
LEAST: Final = 40
SECONDS: Final = 4.0
# Parts of a run whose tails are compared each by itself: a neighbour's burst spoils few of them.
PARTS: Final = 8


def paired_latency(
    candidate: Predictor, champion: Predictor | None, examples: Sequence[Example]
) -> dict[str, Any]:
    """Time single requests from text to answer, in turn, over the same texts.

    Ends after 400 requests to each, or after 4 seconds if each has had 40 by then. The first ones,
    which fill caches, do not count: 10 to each, or as many as half a second holds.

    Returns:
        For each of the two, requests and the 50th and 95th percentile in milliseconds (None
        without champion); `ratio`, candidate by champion: of the medians or of the 95th
        percentiles, whichever is larger.
    """
    predictors = [candidate] if champion is None else [candidate, champion]
    _alternate(predictors, _spread(examples, WARM_UP), 1, WARM_UP_SECONDS)
    taken = _alternate(predictors, _spread(examples, REQUESTS), LEAST, SECONDS)
    each = list(zip(*taken, strict=True))
    ours, *theirs = [_percentiles(times) for times in each]
    return {
        "candidate": ours,
        "champion": theirs[0] if theirs else None,
        "ratio": round(_ratio(*each), 3) if theirs else None,
    }


def _alternate(
    predictors: Sequence[Predictor], examples: Sequence[Example], least: int, seconds: float
) -> list[tuple[float, ...]]:
    """Return, per example, the milliseconds that each predictor took, one after the other."""
    taken: list[tuple[float, ...]] = []
    end = time.perf_counter() + seconds
    for example in examples:
        if len(taken) >= least and time.perf_counter() > end:
            break
        marks = [time.perf_counter()]
        for predictor in predictors:
            predictor.predict([example], 1)
            marks.append(time.perf_counter())
        taken.append(tuple(1000 * (b - a) for a, b in itertools.pairwise(marks)))
    return taken


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the larger ratio: of the medians, or, in the middle of all parts, of the tails."""
    parts = [np.array_split(times, PARTS) for times in (ours, theirs)]
    tails = [np.percentile(a, 95) / np.percentile(b, 95) for a, b in zip(*parts, strict=True)]
    return float(max(np.median(ours) / np.median(theirs), np.median(tails)))


def _percentiles(times: Sequence[float]) -> dict[str, Any]:
    middle, slow = (float(value) for value in np.percentile(times, [50, 95]))
    return {"requests": len(times), "p50_ms": round(middle, 3), "p95_ms": round(slow, 3)}


def _spread(examples: Sequence[Example], count: int) -> list[Example]:
    """Choose `count` examples; neighbours are far apart, so that any first part has all lengths."""
    return [examples[int(place * len(examples))] for place in _places(count)]


def _places(count: int) -> list[float]:
    """Return the first numbers in [0, 1) of van der Corput's sequence, even from early on."""
    return [
        int(f"{index:b}"[::-1], 2) / (1 << index.bit_length()) if index else 0.0
        for index in range(count)
    ]
