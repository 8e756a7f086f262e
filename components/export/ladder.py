"""In: one model and what a graph of it must hold. Out: the first rung of the ladder that does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import onnx

from components.errors import TouchstoneError
from components.export.int8 import Quantizer
from components.export.sensitivity import rank
from components.export.trial import Held, Trial, try_bundle, write_bundle
from components.inference import Bundle
from components.inference.bundle import Quantization

CURES: Final = {
    "batch_dependent": "let static, mixed or fp32 follow, whose answers are alike in any company",
    "broken_share": "let mixed or fp32 follow, which change fewer answers",
    "accuracy_loss": "let mixed or fp32 follow, which lose less",
    "max_logit_difference": "raise export.max_logit_difference if that is acceptable",
    "latency_p95_ms": "raise it, or export where nothing else runs",
    "size_mb": "raise it, or choose a smaller encoder",
}


def climb(
    bundle: Bundle, quantizer: Quantizer, held: Held, scratch: Path
) -> tuple[Trial, list[dict[str, Any]]]:
    """Try the rungs of `export.ladder` in order, up to the first that holds every limit.

    Args:
        bundle: the trained model, with the lineage that its graphs will carry.
        quantizer: of its fp32 graph.
        held: the examples, torch's logits for them, and the limits.
        scratch: an empty folder, in which the tried bundles stay.

    Returns:
        The trial that holds, and the figures of every rung that was tried.

    Raises:
        TouchstoneError: no rung holds; says for each which limits it broke, and the cures.
    """
    trials: list[Trial] = []
    for rung in held.params.ladder:
        for in_float in _choices(rung, bundle, quantizer, held):
            folder = scratch / f"{rung}-{len(in_float)}"
            folder.mkdir()
            write_bundle(bundle, _graph(rung, quantizer, in_float), folder, "int8", rung)
            trial = try_bundle(folder, held, in_float)
            # The more stays in float, the larger it gets.
            if not trial.broken or "size_mb" in trial.broken:
                break
        trials.append(trial)
        if not trial.broken:
            return trial, [tried.figures for tried in trials]
    raise _none_holds(trials)


def _choices(
    rung: Quantization, bundle: Bundle, quantizer: Quantizer, held: Held
) -> Iterator[list[str]]:
    """Yield what is left in float: for `mixed` the worst 1, 2, 4, ... operators, at most half."""
    if rung != "mixed":
        yield []
        return
    worst = rank(quantizer, bundle, held.examples)
    count = 1
    while count <= max(1, len(worst) // 2):
        yield worst[:count]
        count *= 2


def _graph(rung: Quantization, quantizer: Quantizer, in_float: Sequence[str]) -> onnx.ModelProto:
    if rung == "fp32":
        return quantizer.model
    return quantizer.dynamic() if rung == "dynamic" else quantizer.static(in_float)


def _none_holds(trials: Sequence[Trial]) -> TouchstoneError:
    lines = [f"  {t.figures['rung']}: {'; '.join(t.figures['reasons'])}" for t in trials]
    limits = dict.fromkeys(limit for trial in trials for limit in trial.broken)
    return TouchstoneError(
        "export: no rung of export.ladder holds export.accept on validation texts\n"
        + "\n".join(lines),
        "; ".join(f"{limit}: {CURES[limit]}" for limit in limits),
    )
