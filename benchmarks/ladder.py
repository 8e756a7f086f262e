"""In: a trained bundle and its examples. Out: how much faster what is served is, and at what price.

    python -m benchmarks.ladder --trained models/trained --examples data/valid

Climbs the ladder of params.yaml as `export` does (or takes a served bundle with --served), then
times it against torch in one process, on the same threads and the same padded inputs, in rounds
that alternate, so that what else the machine does falls on both. torch runs as its users run it:
eager, evaluation mode, inference mode. Answers are counted on the test split. Exits 1 when a limit
is missed.

Threads that torch keeps waiting in a busy loop fight over cores that others use as well, and the
ratio then flatters the graph: trust wall times only where the load that is printed is low. With
`--threads 1` it is the processor's time that counts, which others hardly change.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.export import export
from components.inference import Predictor, load_predictor
from components.inference.parity import answer
from components.params.load import load_params
from components.records import read_examples
from components.tasks.base import Array, Example

Inputs = Sequence[Mapping[str, Array]]

ROOT: Final = Path(__file__).resolve().parents[1]
ROUNDS: Final = 15
BATCHES: Final = {1: 32, 32: 4}
FASTER: Final = {1: 4.0, 32: 2.0}
LOSS: Final = 0.005
COLUMNS: Final = "{:<34}{:>12}{:>12}{:>12}{:>14}"


def inputs(predictor: Predictor, examples: Sequence[Example], size: int) -> Inputs:
    """Collate batches of texts of like length, which stand for equal parts of the split."""
    card, task = predictor.bundle.card, predictor.bundle.task
    rows = task.encode(predictor.bundle.tokenizer, examples, card.max_length).input_ids
    rows.sort(key=len)
    count = min(BATCHES[size], max(1, len(rows) // size))
    starts = [(2 * index + 1) * (len(rows) - size) // (2 * count) for index in range(count)]
    batches = [rows[start : start + size] for start in starts]
    return [task.collate(batch, card.pad_id, len(batch[-1])) for batch in batches]


def alternate(
    predictors: Mapping[str, Predictor], batches: Inputs, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Return each predictor's milliseconds per batch in every round; a first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in predictors}
    for turn in range(ROUNDS + 1):
        for name, predictor in predictors.items():
            started = clock()
            for batch in batches:
                predictor.forward(batch)
            if turn:
                spent[name].append(1000 * (clock() - started) / len(batches))
    return spent


def speed(
    predictors: Mapping[str, Predictor], examples: Sequence[Example], clock: Callable[[], float]
) -> bool:
    """Print the medians and their ratio at each batch size; return whether all limits hold."""
    held = True
    for size, least in FASTER.items():
        spent = alternate(predictors, inputs(predictors["torch"], examples, size), clock)
        torch, served = (statistics.median(spent[name]) for name in ("torch", "served"))
        row = [f"{torch:.2f} ms", f"{served:.2f} ms", f"{torch / served:.2f}", f">= {least:g}"]
        print(COLUMNS.format(f"faster at batch {size}", *row))
        held &= torch / served >= least
    return held


def price(predictors: Mapping[str, Predictor], examples: Sequence[Example]) -> bool:
    """Print what the served bundle's answers cost on these examples; return whether it holds."""
    task = predictors["torch"].bundle.task
    torch = task.decode(predictors["torch"].logits(examples, 32))
    found = answer(predictors["served"], examples, 32)
    right = [
        float(task.right(examples, answers).mean())
        for answers in (torch, task.decode(found.logits))
    ]
    loss, dependent = right[0] - right[1], len(found.dependent)
    print(COLUMNS.format("depend on batch or padding", "", dependent, "", "0"))
    row = [f"{right[0]:.4f}", f"{right[1]:.4f}", f"{loss:.4f}", f"<= {LOSS}"]
    print(COLUMNS.format("accuracy lost", *row))
    return dependent == 0 and loss <= LOSS


def climbed(trained: Path, examples: Path, out: Path) -> Path:
    """Export as params.yaml says, print every rung, and return the served bundle."""
    params = load_params(ROOT / "params.yaml")
    report = export(
        params.export,
        params.project.seed,
        trained,
        examples,
        out / "onnx",
        out / "served",
        out / "parity.json",
    )
    for rung in report["ladder"]:
        print(f"{rung['rung']}: {'; '.join(rung['reasons']) or 'holds'}; {_figures(rung)}")
    return out / "served"


def _figures(rung: Mapping[str, Any]) -> str:
    shown = ("accuracy_loss", "broken_share", "disagreements", "p50_ms", "p95_ms", "size_bytes")
    return ", ".join(f"{name} {rung[name]:.6g}" for name in shown)


def main() -> int:
    """Print the table; exit 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.ladder")
    parser.add_argument("--trained", type=Path, required=True, help="bundle of `train`")
    parser.add_argument("--examples", type=Path, required=True, help="data folder of `validate`")
    parser.add_argument("--served", type=Path, help="bundle of `export`; default: make it")
    parser.add_argument("--threads", type=int, help="of both; default: every core")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        served = asked.served or climbed(asked.trained, asked.examples, Path(temporary))
        predictors = {
            "torch": load_predictor(asked.trained, asked.threads),
            "served": load_predictor(served, asked.threads),
        }
    test = read_examples(asked.examples, "test")
    name = str(predictors["served"].bundle.card.quantization)
    print(COLUMNS.format("", "torch", name, "", "limit"))
    held = speed(predictors, test, time.process_time if asked.threads == 1 else time.perf_counter)
    held &= price(predictors, test)
    print(f"{len(test)} test texts; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
