"""In: two data sets as published. Out: what each way to learn changes, at equal compute.

    python -m benchmarks.effects --banking77 FOLDER --twitter FOLDER [--rows 1000] [--epochs 12]

Every way trains the default encoder on the same rows, with the same seeds, for as many passes over
them as cost what the plain recipe's cost: where a step costs twice, half the epochs. A difference
is that of the best epoch's validation score against the plain recipe's with the same seed, in
points. The plain recipe's learning rate is the one of a few that did best with it; nothing else was
tuned, and the ways' values are from the ranges that their docstrings name.

Writes benchmarks/results/effects.json after every training, and goes on from it: only what is
missing is trained. With --show, it prints what is there and trains nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.effects_data import SETS, Set, load_set
from benchmarks.record import ROOT
from benchmarks.training_rivals import machine
from components.files import read_json, write_json
from components.params import TrainingParams
from components.training import fit, shortened
from components.training.device import accelerated
from components.training.run import start

RESULTS: Final = ROOT / "benchmarks" / "results" / "effects.json"
PLAIN: Final = "plain"
COLUMNS: Final = "{:<24}{:>26}{:>26}{:>12}{:>10}  {}"


@dataclass(frozen=True)
class Way:
    """A way to learn.

    Attributes:
        values: laid over the plain training section.
        layers: of the encoder; None: all.
        share: of the plain recipe's epochs, where a step costs more or less.
        rate: factor on the plain recipe's learning rate, for what is trained from a fresh start.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    layers: int | None = None
    share: float = 1.0
    rate: float = 1.0


WAYS: Final[Mapping[str, Way]] = {
    PLAIN: Way(),
    "3 layers": Way(layers=3),
    "average 0.98": Way({"averaging": 0.98}),
    "adversarial 1, half": Way({"adversarial": 1.0}, share=0.5),
    "frozen 3 layers": Way({"frozen_layers": 3, "frozen_embeddings": True}),
    "layer decay 0.8": Way({"layer_decay": 0.8}),
    "lora 8": Way({"adapter": "lora", "adapter_rank": 8}, rate=5),
    "label smoothing 0.1": Way({"label_smoothing": 0.1}),
    "balanced classes": Way({"class_weights": "balanced"}),
    "contrastive 1 epoch": Way({"contrastive_epochs": 1}, share=0.75),
    "3 layers, twice": Way(layers=3, share=2.0),
    "frozen embeddings": Way({"frozen_embeddings": True}),
    "bottleneck 32": Way({"adapter": "bottleneck", "adapter_rank": 32}, rate=5),
    "adalora 8": Way({"adapter": "adalora", "adapter_rank": 8}, rate=10),
    "dropout 0": Way({"dropout": 0.0}),
    "weight decay 0.1": Way({"weight_decay": 0.1}),
    "prefix 8": Way({"adapter": "prefix", "adapter_rank": 8}, rate=15),
    "prompt 8": Way({"adapter": "prompt", "adapter_rank": 8}, rate=50),
    "4 layers": Way(layers=4),
}


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        data: the set's name.
        way: the way's name.
        seed: of the training.
        score: best epoch's, on validation.
        epochs: that were trained.
        trained: weights that training moves, of the word vectors those that occur.
        seconds: of one core, loading and scoring included.
        examples_per_second: of training, by the clock.
        machine: that trained it; a difference is between trainings of one machine.
    """

    data: str
    way: str
    seed: int
    score: float
    epochs: int
    trained: int
    seconds: float
    examples_per_second: float
    machine: str


def train(data: Set, name: str, seed: int, cache: Path) -> Row:
    """Train one way once."""
    way, plain = WAYS[name], data.params.training
    epochs = max(1, round(plain.epochs * way.share))
    rate = {"learning_rate": plain.learning_rate * way.rate}
    values = plain.model_dump(mode="json") | rate | dict(way.values)
    section = TrainingParams.model_validate(values | {"epochs": epochs, "patience": epochs})
    encoder = shortened(data.encoder, way.layers, cache)
    with accelerated(section.precision) as accelerator:
        model = start(data.task, section, encoder, data.tokens, accelerator).plain
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    began = time.process_time()
    fitted = fit(data.task, section, encoder, data.tokens, seed)
    seconds = time.process_time() - began
    speed = fitted.examples_per_second
    return Row(data.name, name, seed, fitted.score, epochs, trained, seconds, speed, machine())


def wanted(
    options: argparse.Namespace, done: list[Row], here: str
) -> Iterator[tuple[str, str, int]]:
    """Yield what is not yet trained, one seed of everything before the next.

    What other machines have trained stays; what is missing needs the plain recipe on this one.
    """
    known = {(row.data, row.way, row.seed) for row in done}
    plain = {(row.data, row.seed) for row in done if (row.way, row.machine) == (PLAIN, here)}
    for seed in range(options.seeds):
        names = [name for name in SETS if getattr(options, name)]
        missing = [
            (name, way, seed)
            for way in WAYS
            for name in names
            if way != PLAIN and (name, way, seed) not in known
        ]
        needed = {name for name, *_ in missing} | {
            name for name in names if (name, PLAIN, seed) not in known
        }
        yield from ((n, PLAIN, seed) for n in names if n in needed and (n, seed) not in plain)
        yield from missing


def differences(rows: list[Row], data: str, way: str) -> list[float]:
    """Return, per seed, by how many points the way's score is above the plain recipe's."""
    plain = {
        (row.seed, row.machine): row.score for row in rows if (row.data, row.way) == (data, PLAIN)
    }
    return [
        100 * (row.score - plain[row.seed, row.machine])
        for row in rows
        if (row.data, row.way) == (data, way) and (row.seed, row.machine) in plain
    ]


def verdict(rows: list[Row], way: str) -> str:
    """Say whether it pays: better on both sets with every seed, or worse, or neither."""
    all_of = [d for data in SETS for d in differences(rows, data, way)]
    if way == PLAIN or not all_of:
        return ""
    if min(all_of) > 0:
        return "pays"
    return "costs" if max(all_of) < 0 else "no clear effect"


def show(rows: list[Row]) -> None:
    """Print the table: mean difference per set, and the least and greatest over the seeds."""
    print(COLUMNS.format("", *(f"{name}, points" for name in SETS), "trained", "cost", ""))
    for way in WAYS:
        of_it = [row for row in rows if row.way == way]
        if not of_it:
            continue
        figures = [_told(rows, data, way) for data in SETS]
        cost = statistics.mean(_costs(rows, way))
        trained = f"{of_it[0].trained / 1e6:.3f} M"
        print(COLUMNS.format(way, *figures, trained, f"{cost:.2f}", verdict(rows, way)))


def _told(rows: list[Row], data: str, way: str) -> str:
    if way == PLAIN:
        scores = [100 * row.score for row in rows if (row.data, row.way) == (data, way)]
        return f"{statistics.mean(scores):.2f}" if scores else "-"
    found = differences(rows, data, way)
    if not found:
        return "-"
    return f"{statistics.mean(found):+.2f} ({min(found):+.2f} to {max(found):+.2f})"


def _costs(rows: list[Row], way: str) -> list[float]:
    """Return the seconds of each training over those of the plain one."""
    plain = {(row.data, row.seed, row.machine): row.seconds for row in rows if row.way == PLAIN}
    return [
        row.seconds / plain[row.data, row.seed, row.machine]
        for row in rows
        if row.way == way and (row.data, row.seed, row.machine) in plain
    ] or [float("nan")]


def main() -> int:
    """Train what is missing, and print the table."""
    options = _options()
    shape = {"rows": options.rows, "epochs": options.epochs}
    kept = read_json(RESULTS) if RESULTS.exists() else {**shape, "trainings": []}
    if not options.show and {name: kept[name] for name in shape} != shape:
        print(f"{RESULTS} holds other rows or epochs: move it away first", file=sys.stderr)
        return 1
    rows = [Row(**each) for each in kept["trainings"]]
    with tempfile.TemporaryDirectory() as folder:
        place, sets = Path(folder), dict[str, Set]()
        missing = [] if options.show else list(wanted(options, rows, machine()))
        for name in sorted({name for name, _, _ in missing}):
            source = getattr(options, name)
            sets[name] = load_set(name, source, options.rows, options.epochs, place / name)
        for name, way, seed in missing:
            rows.append(train(sets[name], way, seed, place / "shortened"))
            print(f"{name}, {way}, seed {seed}: {rows[-1].score:.4f}", flush=True)
            write_json(RESULTS, {**shape, "trainings": [vars(row) for row in rows]})
    show(rows)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.effects")
    for name in SETS:
        parser.add_argument(f"--{name}", type=Path, help="folder of the set as published")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--show", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
