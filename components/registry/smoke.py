"""In: a bundle that is about to serve. Out: nothing, or why it must not.

Its bytes are the judged ones by now. What is asked here is whether they answer, on this machine
and with the libraries of today, what they answered before the gate, and about as fast.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.errors import IntegrityError, PromotionError
from components.inference import Predictor, load_predictor
from components.tasks.base import Example, Prediction, bare

# Examples that `probes` looks among, and how many of them it keeps.
LOOKED_AT: Final = 200
PROBES: Final = 8
REQUESTS: Final = 15
ROUNDS: Final = 3
# The gate has judged the latency; this is about a machine or a library on which all is different.
SLOWER: Final = 5.0
# Below it, what is measured is Python.
LEAST_MS: Final = 1.0
REFUSED: Final = "production stays as it is; `dvc repro` makes a bundle for this environment"


def probes(bundle: Path, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return answers of a bundle that its smoke test must get again: the surest one of each label.

    Args:
        bundle: that is being judged.
        examples: rows with the task's columns; the first 200 are looked at.

    Returns:
        At most 8, each with the example without its label, the answer, its score and its value.
    """
    predictor = load_predictor(bundle)
    task = predictor.bundle.task
    rows = list(examples[:LOOKED_AT])
    surest: dict[str, dict[str, Any]] = {}
    for example, answer in zip(rows, predictor.predict(rows, len(rows)), strict=True):
        if answer.label not in surest or answer.score > surest[answer.label]["score"]:
            surest[answer.label] = {
                "example": bare(task, example),
                "label": answer.label,
                "score": round(answer.score, 6),
                "value": dict(answer.value),
            }
    return sorted(surest.values(), key=lambda probe: -probe["score"])[:PROBES]


def smoke(folder: Path, verdict: Mapping[str, Any], *, timed: bool = True) -> None:
    """Open a verified bundle and ask it what the gate has asked it.

    Args:
        folder: the bundle.
        verdict: on it; its `probes` must be answered as then, its latency about held.
        timed: whether the latency counts.

    Raises:
        PromotionError: it cannot be opened, gives other answers, none, or far too slowly.
    """
    try:
        predictor = load_predictor(folder)
        _answers(predictor, verdict.get("probes") or ())
    except IntegrityError as error:
        raise PromotionError(f"the smoke test failed: {error.what}", REFUSED) from error
    except PromotionError:
        raise
    except Exception as error:  # whatever a graph or a tokenizer raises, it must not serve
        raise PromotionError(f"the smoke test failed: {error!r}", REFUSED) from error
    if timed:
        _fast_enough(predictor, verdict)


def _answers(predictor: Predictor, known: Sequence[Mapping[str, Any]]) -> None:
    """Answer the task's samples, whose logits must be finite, and the probes, as they were."""
    task = predictor.bundle.task
    predictor.logits(task.samples(), 1)
    found = predictor.predict([probe["example"] for probe in known], 1)
    wrong = [
        f"expected {probe['label']!r} with {probe['score']:.2f}, "
        f"found {answer.label!r} with {answer.score:.2f}"
        for probe, answer in zip(known, found, strict=True)
        if not task.same(probe["example"], probe["example"], (_known(probe), answer))
    ]
    if wrong:
        raise PromotionError(
            f"the smoke test failed: {len(wrong)} of {len(known)} answers are not those that the "
            f"gate saw: {wrong[0]}",
            REFUSED,
        )


def _known(probe: Mapping[str, Any]) -> Prediction:
    # Of entities and spans the value says what is the same; older verdicts have none.
    return Prediction(probe["label"], probe["score"], probe.get("value", {}))


def _fast_enough(predictor: Predictor, verdict: Mapping[str, Any]) -> None:
    latency = ((verdict.get("latency") or {}).get("candidate") or {}).get("p50_ms")
    if latency is None:
        return
    limit = max(SLOWER * float(latency), LEAST_MS)
    known = verdict.get("probes") or ()
    examples = [probe["example"] for probe in known] or list(predictor.bundle.task.samples())
    # A neighbour's burst passes; what is slow in every round is slow.
    medians = []
    for _ in range(ROUNDS):
        medians.append(_median_ms(predictor, examples))
        if medians[-1] <= limit:
            return
    raise PromotionError(
        f"the smoke test failed: a request takes {min(medians):.1f} ms in the median, and took "
        f"{float(latency):.1f} ms when the gate judged it; at most {limit:.1f} ms is accepted",
        "promote on a machine like the gate's, or when this one is idle; production stays as it is",
    )


def _median_ms(predictor: Predictor, examples: Sequence[Example]) -> float:
    seconds = []
    for request in range(REQUESTS):
        started = time.perf_counter()
        predictor.logits([examples[request % len(examples)]], 1)
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)
