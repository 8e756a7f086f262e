"""In: a bundle and test examples. Out: what it answers, predicted here and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.inference import Bundle, load_predictor
from components.schema import SLICE_PREFIX
from components.tasks.base import Array, Example, Prediction

LISTED: Final = 20


@dataclass(frozen=True)
class Answers:
    """A bundle's answers to all test examples.

    Attributes:
        bundle: who answered.
        logits: per example.
        predictions: per example.
        right: (examples,) whether the answer is the label.
        metrics: the task's, over all examples.
        batch_size: in batches of how many it answered.
    """

    bundle: Bundle
    logits: list[Array]
    predictions: list[Prediction]
    right: Array
    metrics: dict[str, float]
    batch_size: int


def read_test(path: Path) -> list[Example]:
    """Read the test examples.

    Raises:
        DataError: the file is absent, damaged or empty.
    """
    try:
        rows: list[Example] = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}", "run `dvc repro` to make it") from error
    if not rows:
        raise DataError(f"{path} has no rows: nothing can be judged", "give ingestion a test split")
    return rows


def answer(bundle: Path, examples: Sequence[Example], batch_size: int) -> Answers:
    """Let a bundle answer all examples; its label set must hold their labels.

    Raises:
        DataError: an example has a label that the bundle does not know.
        IntegrityError: a file of the bundle was altered, or a logit is not finite.
    """
    predictor = load_predictor(bundle)
    task = predictor.bundle.task
    for example in examples:
        if reason := task.reject(example):
            raise DataError(
                f"test example {example['id']}: {reason}: {bundle} cannot be judged on it",
                "run `dvc repro`: examples and bundle are of different runs",
            )
    logits = predictor.logits(examples, batch_size)
    predictions = task.decode(logits)
    pairs = zip(predictions, examples, strict=True)
    return Answers(
        bundle=predictor.bundle,
        logits=logits,
        predictions=predictions,
        right=np.array([given.label == example["label"] for given, example in pairs]),
        metrics=task.metrics(examples, logits),
        batch_size=batch_size,
    )


def disagreements(
    candidate: Answers, champion: Answers, examples: Sequence[Example]
) -> list[dict[str, Any]]:
    """Return examples that the two answer differently: broken ones first, then fixed, then others.

    At most 20 of each kind, the ones that the candidate is surest of.
    """
    kinds: dict[str, list[tuple[float, dict[str, Any]]]] = {"broken": [], "fixed": [], "other": []}
    for index, example in enumerate(examples):
        new, old = candidate.predictions[index], champion.predictions[index]
        if new.label == old.label:
            continue
        kind = {(False, True): "broken", (True, False): "fixed"}.get(
            (bool(candidate.right[index]), bool(champion.right[index])), "other"
        )
        row = {
            "id": example["id"],
            "kind": kind,
            "text": candidate.bundle.task.editable(example),
            "label": example["label"],
            "candidate": new.label,
            "champion": old.label,
        }
        kinds[kind].append((-new.score, row))
    return [row for rows in kinds.values() for _, row in sorted(rows, key=lambda r: r[0])[:LISTED]]


def slices(
    candidate: Answers, champion: Answers | None, examples: Sequence[Example]
) -> list[dict[str, Any]]:
    """Return the task's metric of both models for each value of each slice column."""
    members: dict[tuple[str, str], list[int]] = {}
    for column in [name for name in examples[0] if name.startswith(SLICE_PREFIX)]:
        for index, example in enumerate(examples):
            value = "(missing)" if example[column] is None else str(example[column])
            members.setdefault((column.removeprefix(SLICE_PREFIX), value), []).append(index)
    return [
        {
            "column": column,
            "value": value,
            "rows": len(rows),
            "candidate": _score(candidate, examples, rows),
            "champion": _score(champion, examples, rows) if champion else None,
        }
        for (column, value), rows in sorted(members.items())
    ]


def _score(who: Answers, examples: Sequence[Example], rows: Sequence[int]) -> float:
    task = who.bundle.task
    found: Mapping[str, float] = task.metrics(
        [examples[i] for i in rows], [who.logits[i] for i in rows]
    )
    return found[task.metric]
