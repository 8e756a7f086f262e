"""In: a graph and what it must hold. Out: its bundle, its figures, and the limits it broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any, Final

import numpy as np
import onnx

from components.export.graph import save_graph
from components.inference import Bundle, load_predictor, seal
from components.inference.bundle import FORMAT, GRAPH, TOKENIZER, Artifact, Quantization
from components.inference.parity import Answered, answer, compare
from components.params import ExportParams
from components.tasks.base import Array, Example, Task, predictions

BATCH: Final = 32
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Held:
    """What every graph is measured with.

    Attributes:
        params: the `export` section.
        examples: held out from training, with labels.
        torch: the trained model's logits for them.
    """

    params: ExportParams
    examples: Sequence[Example]
    torch: Sequence[Array]


@dataclass(frozen=True)
class Trial:
    """One graph, tried on the held-out texts.

    Attributes:
        folder: its sealed bundle.
        answered: what it answers.
        figures: its entry in the parity report.
        broken: the limits that it does not hold; none when it may be served.
    """

    folder: Path
    answered: Answered
    figures: dict[str, Any]
    broken: tuple[str, ...]


def write_bundle(
    bundle: Bundle,
    model: onnx.ModelProto,
    folder: Path,
    artifact: Artifact,
    quantization: Quantization | None = None,
) -> str:
    """Seal a graph of a trained bundle in a folder that exists; return its digest."""
    card = bundle.card.model_copy(
        update={"format": FORMAT, "artifact": artifact, "quantization": quantization}
    )
    save_graph(model, card.lineage["id"], folder / GRAPH)
    copyfile(bundle.folder / TOKENIZER, folder / TOKENIZER)
    return seal(folder, card)


def try_bundle(folder: Path, held: Held, in_float: Sequence[str] = ()) -> Trial:
    """Measure a served bundle against torch, and hold it to `export.accept`.

    Args:
        folder: the sealed bundle.
        held: the examples, torch's logits for them, and the limits.
        in_float: names of operators that were left in float, for the report.
    """
    predictor = load_predictor(folder)
    answered = answer(predictor, held.examples, BATCH)
    measured = _measure(predictor.bundle, answered, held)
    reasons = _reasons(measured, held.params, predictor.bundle.card.quantization)
    figures = {
        "rung": predictor.bundle.card.quantization,
        "accepted": not reasons,
        "reasons": list(reasons.values()),
        **{name: value for name, value in measured.items() if name != "max_logit_difference"},
        "in_float": list(in_float),
    }
    return Trial(folder, answered, figures, tuple(reasons))


def _measure(bundle: Bundle, answered: Answered, held: Held) -> dict[str, Any]:
    parity = compare(bundle.task, held.torch, {"int8": answered}, held.examples)
    found = parity["artifacts"]["int8"]
    right = _right(bundle.task, held.torch, held.examples)
    accuracy = _right(bundle.task, answered.logits, held.examples) / len(held.examples)
    middle, slow = (float(value) for value in np.percentile(answered.milliseconds, [50, 95]))
    return {
        "accuracy": accuracy,
        "accuracy_loss": right / len(held.examples) - accuracy,
        "broken_share": found["broken"] / max(right, 1),
        "batch_dependent": found["batch_dependent"],
        "disagreements": found["disagreements"],
        "max_logit_difference": found["max_logit_difference"],
        "p50_ms": round(middle, 3),
        "p95_ms": round(slow, 3),
        "size_bytes": (bundle.folder / GRAPH).stat().st_size,
    }


def _reasons(
    measured: dict[str, Any], params: ExportParams, quantization: Quantization | None
) -> dict[str, str]:
    """Return a sentence for each limit that is broken; a limit of None is none."""
    accept = params.accept
    limits: dict[str, tuple[float, float | None]] = {
        "batch_dependent": (measured["batch_dependent"], accept.batch_dependent),
        "broken_share": (measured["broken_share"], accept.broken_share),
        "accuracy_loss": (measured["accuracy_loss"], accept.accuracy_loss),
        "latency_p95_ms": (measured["p95_ms"], accept.latency_p95_ms),
        "size_mb": (measured["size_bytes"] / MEGABYTE, accept.size_mb),
    }
    if quantization == "fp32":
        found = measured["max_logit_difference"]
        limits["max_logit_difference"] = (found, params.max_logit_difference)
    return {
        name: f"{name} is {found:.4g}, at most {most:g} is accepted"
        for name, (found, most) in limits.items()
        if most is not None and not found <= most
    }


def _right(task: Task, logits: Sequence[Array], examples: Sequence[Example]) -> int:
    return int(task.right(examples, predictions(task, examples, logits)).sum())
