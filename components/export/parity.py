"""In: one model three times (torch, fp32, int8) and texts. Out: where their answers part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from components.inference import Predictor
from components.schema import ID
from components.tasks.base import Array, Example

BATCH: Final = 32


def compare(
    trained: Predictor, fp32: Predictor, int8: Predictor, examples: Sequence[Example]
) -> dict[str, Any]:
    """Compare logits and answers, example by example, against torch's.

    Returns:
        rows; for fp32 and int8 the largest difference of any logit and the number of other
        answers; for int8 also those answers with their texts, and how many answers are others
        alone than in a batch.
    """
    reference = trained.logits(examples, BATCH)
    task = trained.bundle.task
    floats, small = fp32.logits(examples, BATCH), int8.logits(examples, BATCH)
    alone = _labels(int8, int8.logits(examples, 1))
    expected, answered = _labels(trained, reference), _labels(int8, small)
    flips = [i for i, (a, b) in enumerate(zip(expected, answered, strict=True)) if a != b]
    return {
        "rows": len(examples),
        "fp32": {
            "max_logit_difference": _largest(reference, floats),
            "disagreements": _different(expected, _labels(fp32, floats)),
        },
        "int8": {
            "max_logit_difference": _largest(reference, small),
            "disagreements": len(flips),
            "batch_dependent": _different(alone, answered),
            "examples": [
                {
                    "id": examples[index][ID],
                    "text": task.editable(examples[index]),
                    "label": examples[index]["label"],
                    "torch": expected[index],
                    "int8": answered[index],
                }
                for index in flips
            ],
        },
    }


def _labels(predictor: Predictor, logits: Sequence[Array]) -> list[str]:
    return [answer.label for answer in predictor.bundle.task.decode(logits)]


def _different(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _largest(one: Sequence[Array], other: Sequence[Array]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))
