"""In: labelled texts. Out: how much faster training is than what a user would otherwise run.

    python -m benchmarks.training [--train FOLDER-OF-BANKING77]

Against (a) a plain loop that pads to 128 tokens, (b) transformers' Trainer with dynamic padding,
(c) the same with batches grouped by length. All train the same encoder on the same examples with
the same batch size, in one process, in rounds that alternate, so that what else the machine does
falls on all; a figure is the median over rounds of the ratio within a round. The share of the
matrix peak is what our steps compute, per second, of the fastest plain matrix product measured in
the same round. Once, ours and (b) train for as many epochs, and their accuracy is compared.

Writes benchmarks/results/training_cpu.json, or training_gpu.json where a GPU is (there also with
an encoder of BERT-base's size and random weights); exits 1 when a figure is missed. On a machine
that others use as well, `--threads 1` counts the processor's time, which they hardly change, in
place of the clock's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.record import ROOT
from benchmarks.training_data import Data, forward_flops, load_data
from benchmarks.training_gpu import big_encoder, full_length
from benchmarks.training_rivals import (
    WAYS,
    Clock,
    by_trainer,
    machine,
    on_gpu,
    peak,
    use_threads,
)
from components.files import write_json
from components.training import fit

RESULTS: Final = ROOT / "benchmarks" / "results"
BATCH_SIZE: Final = 32
SEED: Final = 7
# The padded loop is so slow that it gets fewer of the rows, each of which costs it the same.
PADDED_PART: Final = 8
QUALITY_LOSS: Final = 0.01
SHARE: Final = "matrix_peak_share"
CPU: Final = {"vs_padded_loop": 10.0, "vs_trainer": 2.3, "vs_trainer_grouped": 1.25, SHARE: 0.55}
GPU: Final = {"vs_padded_loop": 15.0, "vs_trainer": 3.0, "vs_trainer_grouped": 1.5}
FULL: Final = {SHARE: 0.45}
COLUMNS: Final = "{:<22}{:>12}{:>20}{:>10}"


@dataclass(frozen=True)
class Found:
    """What the rounds on one data set came to.

    Attributes:
        name: of the data and the encoder.
        rounds: per figure, its value in each round.
        limits: per figure, the least that it must be.
    """

    name: str
    rounds: Mapping[str, list[float]]
    limits: Mapping[str, float]

    @property
    def figures(self) -> dict[str, float]:
        """The median of each figure over the rounds."""
        return {name: statistics.median(values) for name, values in self.rounds.items()}

    @property
    def missed(self) -> list[str]:
        """The figures that are below their limits, or absent."""
        return [n for n, least in self.limits.items() if not self.figures.get(n, 0.0) >= least]

    def as_json(self) -> dict[str, Any]:
        """Return medians by name, and least and greatest over the rounds."""
        spread = {name: [min(values), max(values)] for name, values in self.rounds.items()}
        return {**self.figures, "spread": spread, "limits": dict(self.limits)}

    def show(self) -> None:
        """Print the table."""
        print(f"\n{self.name}: medians of {len(next(iter(self.rounds.values())))} rounds")
        print(COLUMNS.format("", "median", "least - greatest", "limit"))
        for name, values in self.rounds.items():
            spread = f"{min(values):.4g} - {max(values):.4g}"
            least = f">= {self.limits[name]:g}" if name in self.limits else ""
            print(COLUMNS.format(name, f"{self.figures[name]:.4g}", spread, least))


def measure(
    data: Data, ways: Mapping[str, Any], limits: Mapping[str, float], asked: Asked
) -> Found:
    """Let all ways train on the same rows, round after round; a first round warms up."""
    rounds: dict[str, list[float]] = {}
    draw = np.random.default_rng(SEED)
    for turn in range(asked.rounds + 1):
        steps = asked.steps if turn else 2
        rows = draw.choice(len(data.train), steps * data.params.training.batch_size, replace=False)
        figures = _round(data, ways, rows, asked.clock)
        for name, value in figures.items() if turn else ():
            rounds.setdefault(name, []).append(value)
    return Found(data.name, rounds, limits)


def _round(data: Data, ways: Mapping[str, Any], rows: Any, clock: Clock) -> dict[str, float]:  # noqa: ANN401
    lengths = data.train.lengths[rows]
    speeds = {}
    for name, way in ways.items():
        part = rows[: len(rows) // PADDED_PART] if name == "padded_loop" else rows
        speeds[name] = len(part) / way(data, part, clock)
    ours = speeds["ours"]
    flops = 3 * forward_flops(data.encoder, len(data.task.labels), lengths) / len(rows) * ours
    return {
        **{f"vs_{name}": ours / speed for name, speed in speeds.items() if name != "ours"},
        SHARE: flops / peak(clock),
        "tokens_per_second": ours * float(lengths.mean()),
        **{f"{name}_per_second": speed for name, speed in speeds.items()},
    }


def quality(data: Data, epochs: int) -> dict[str, float]:
    """Train ours and Trainer for as many epochs; return accuracy on validation after the last."""
    params = data.params.training.model_copy(update={"epochs": epochs, "patience": epochs})
    whole = Data(data.name, data.task, data.params.model_copy(update={"training": params}),
                 data.encoder, data.tokens)  # fmt: skip
    fitted = fit(data.task, params, data.encoder, data.tokens, SEED)
    rival = by_trainer(whole, np.arange(len(data.train)), time.perf_counter, "random", epochs)
    return {
        "epochs": epochs,
        "rows": len(data.validation),
        "ours": fitted.history[-1].metrics["accuracy"],
        "trainer": rival.accuracy,
    }


@dataclass(frozen=True)
class Asked:
    """How long to measure, and by which clock."""

    rounds: int
    steps: int
    clock: Clock


def main() -> int:
    """Print the tables and write the figures; exit 1 when one is missed."""
    options = _options()
    gpu = on_gpu()
    threads = use_threads(options.threads)
    busy = threads == 1 and not gpu
    asked = Asked(options.rounds, options.steps, time.process_time if busy else time.perf_counter)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = load_data(options.train, place, BATCH_SIZE, options.compile)
        cases = [measure(data, WAYS, GPU if gpu else CPU, asked)]
        if gpu:
            big = big_encoder(data, place)
            cases.append(measure(big, WAYS, GPU, asked))
            cases.append(measure(full_length(big, place), {"ours": WAYS["ours"]}, FULL, asked))
        compared = quality(data, options.epochs) if options.epochs else {}
    for case in cases:
        case.show()
    missed = [f"{case.name}: {name}" for case in cases for name in case.missed]
    if compared:
        print(
            f"accuracy on {compared['rows']} validation rows after {compared['epochs']} epochs: "
            f"ours {compared['ours']:.4f}, Trainer {compared['trainer']:.4f}"
        )
        missed += ["accuracy"] if compared["ours"] < compared["trainer"] - QUALITY_LOSS else []
    print(f"{machine()}, {threads} threads, load {os.getloadavg()[0]:.1f}")
    _write(cases, asked, {"quality": compared, "threads": threads})
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _write(cases: list[Found], asked: Asked, more: Mapping[str, Any]) -> None:
    first, *rest = cases
    write_json(
        RESULTS / f"training_{'gpu' if on_gpu() else 'cpu'}.json",
        {
            **first.as_json(),
            "others": {case.name: case.as_json() for case in rest},
            "data": first.name,
            "batch_size": BATCH_SIZE,
            "rounds": asked.rounds,
            "steps": asked.steps,
            "time": "of the processor" if asked.clock is time.process_time else "of the clock",
            "machine": machine(),
            "load": os.getloadavg()[0],
            "versions": {n: version(n) for n in ("torch", "transformers", "accelerate", "numpy")},
            **more,
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.training")
    parser.add_argument("--train", type=Path, help="folder of Banking77; default: the sample")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50, help="of each way, in each round")
    parser.add_argument("--epochs", type=int, default=3, help="to compare quality; 0: do not")
    parser.add_argument("--threads", type=int, help="of all; with 1 the processor's time counts")
    parser.add_argument("--compile", choices=("never", "auto"), default="never")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
