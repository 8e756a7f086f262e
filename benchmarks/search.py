"""In: recorded learning curves, and this machine. Out: what a search spends and how it fills time.

    python -m benchmarks.search [--seeds 60] [--rounds 3]

Three figures. Compute: epochs that a search trains until it has a score as good as the best of 20
random trainings, none of them pruned, as a share of theirs; replayed on the curves that
`benchmarks.search_record` wrote, per data set, the median over seeds. Workers: how much sooner
sleeping trials are done by two local workers than by one. Pause: from the end of one trial to the
first step of the next, real trainings of the sample in processes of their own.

Writes benchmarks/results/search.json; exits 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.record import ROOT, prepare
from benchmarks.search_policies import (
    POLICIES,
    RECORDED,
    Pool,
    Sleeping,
    load_pool,
    sections,
    spent,
)
from benchmarks.training_rivals import machine
from components import encoders
from components.files import write_json
from components.params.load import check_params, read_tree
from components.search import Local, SearchWatch, StudyPlace, Trial, run_search
from components.tasks import load_task
from components.tokens import open_split
from flows.trial import Training, preload

RESULTS: Final = ROOT / "benchmarks" / "results" / "search.json"
LIMITS: Final = {"compute_share": 0.25, "two_workers": 1.9, "pause_seconds": 1.0}
SLEEPS: Final = 12
TRIALS: Final = 6
ROWS: Final = 120


@dataclass
class Pauses:
    """Seconds from the end of each trial to the first step of the next.

    A trial ends for this purpose when its last epoch has its score: what the process still does
    until it is gone counts. What the first step itself takes does not.

    Attributes:
        rows: of the first step, which is an epoch.
        seconds: of each pause.
    """

    rows: int

    seconds: list[float] = field(default_factory=list)
    _ended: float | None = None

    def on_epoch(self, *_: object) -> None:
        """Note the time; the last one counts."""
        self._ended = time.monotonic()

    def on_step(self, number: int, _: int, step: Any) -> None:  # noqa: ANN401 - any engine's
        """Note the first step of a trial that is not the first."""
        if number and self._ended is not None and step.number == 1:
            first = self.rows / step.examples_per_second
            self.seconds.append(time.monotonic() - first - self._ended)


def compute(seeds: int) -> dict[str, Any]:
    """Replay all policies on all recorded data; print and return their shares."""
    found: dict[str, Any] = {}
    for path in sorted(RECORDED.glob("curves_*.json")):
        pool = load_pool(path)
        print(f"\n{pool.about['data']}, {pool.about['encoder']}: {len(pool.curves)} curves")
        print(f"{'epochs spent, of 20 random trials':<36}{'median':>8}{'mean':>8}{'not found':>11}")
        rows = {}
        for policy in POLICIES:
            each = spent(pool, policy, range(seeds))
            rows[policy.name] = {"median": each.median, "mean": each.mean, "missed": each.missed}
            print(f"{policy.name:<36}{each.median:>8.3f}{each.mean:>8.3f}{each.missed:>11.1%}")
        found[path.stem.removeprefix("curves_")] = rows
    return found


def compute_share(shares: Mapping[str, Any]) -> float:
    """Return the first policy's median, on the data on which it is the largest."""
    return float(max(rows[POLICIES[0].name]["median"] for rows in shares.values()))


def two_workers(pool: Pool, rounds: int) -> list[float]:
    """Return how many times sooner two workers are done than one, each round both."""
    return [sleeping(pool, 1) / sleeping(pool, 2) for _ in range(rounds)]


def sleeping(pool: Pool, workers: int) -> float:
    """Return the seconds of a whole search over trials that wait."""
    params, training = sections(pool, POLICIES[-1], SLEEPS * pool.epochs)
    params = params.model_copy(update={"trials": SLEEPS, "workers": workers})
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        run_search(
            params,
            training,
            7,
            Local(Sleeping(), (Sleeping.__module__,)),
            StudyPlace(Path(folder), "asleep"),
        )
        return time.monotonic() - began


def pauses() -> list[float]:
    """Return the seconds between trials of the sample, of one step per epoch."""
    tree = read_tree(ROOT / "params.yaml")
    tree["ingestion"] |= {"source": f"sample:tickets?rows={ROWS}&seed=7"}
    tree["validation"]["min_rows_per_label"] = {"train": 1, "validation": 0, "test": 0}
    tree["training"] |= {"batch_size": ROWS, "epochs": 1}
    tree["search"] |= {
        "trials": TRIALS,
        "epochs": 1,
        "finalists": {"trials": 1, "seeds": 0, "minutes": None},
        "ablation": None,
    }
    params = check_params(tree, "params.yaml")
    task, asked = load_task(params.task), params.encoder
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        encoder = encoders.locate(asked.source, asked.sha256, place / "encoder")
        prepare(params, task, encoder, place)
        found = Pauses(len(open_split(place / "tokens", "train")))
        digest = encoders.digest(asked.sha256, asked.layers)
        trains = Training(params.task, encoder, digest, place / "tokens")
        # A child imports the main module, too: what this one imports is not a search's doing.
        engine = Local(
            trains, (*preload(encoder), "benchmarks.record", "benchmarks.training_rivals")
        )
        watch = SearchWatch(on_epoch=found.on_epoch, on_step=found.on_step, on_end=tell)
        run_search(params.search, params.training, 7, engine, StudyPlace(place, "real"), watch)
    return found.seconds


def tell(trial: Trial) -> None:
    """Show that it goes on."""
    print(f"trial {trial.number}: {trial.state}", flush=True)


def main() -> int:
    """Print the tables, write the figures; exit 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    between = pauses()
    print(f"seconds between trials: {', '.join(f'{each:.2f}' for each in between)}", flush=True)
    sooner = two_workers(load_pool(), options.rounds)
    print(f"two workers: {', '.join(f'{each:.2f}' for each in sooner)}", flush=True)
    shares = compute(options.seeds)
    figures = {
        "compute_share": compute_share(shares),
        "two_workers": statistics.median(sooner),
        "pause_seconds": statistics.median(between),
    }
    missed = show(figures)
    spread: Mapping[str, Any] = {
        "compute": shares,
        "two_workers": sooner,
        "pause_seconds": between,
        "seeds": options.seeds,
        "machine": machine(),
    }
    write_json(RESULTS, {**figures, "limits": LIMITS, "found": spread})
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def show(figures: Mapping[str, float]) -> list[str]:
    """Print figures against their limits; return the names of those that miss."""
    print()
    missed = []
    for name, value in figures.items():
        most = name != "two_workers"
        holds = value <= LIMITS[name] if most else value >= LIMITS[name]
        sign = "<=" if most else ">="
        print(f"{name:<16}{value:>8.3f}  {sign} {LIMITS[name]:g}  {'holds' if holds else 'missed'}")
        missed += [] if holds else [name]
    return missed


if __name__ == "__main__":
    sys.exit(main())
