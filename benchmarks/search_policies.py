"""In: recorded learning curves. Out: what searches spend to score as well as random ones.

The objective answers epoch by epoch with what lies between the two recorded trainings whose
learning rates are nearest; everything else is the search as it is, with its draws, its pruner and
its study on the disk.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.record import ROOT
from components.files import read_json
from components.params import SearchParams, TrainingParams, overlay
from components.params.load import read_tree
from components.search import Inline, Report, StudyPlace, run_search

RECORDED: Final = ROOT / "benchmarks" / "recorded"
FIRST: Final = RECORDED / "curves_banking77.json"
RANDOM: Final = 20
SLEEP_SECONDS: Final = 4.0
# Studies are thrown away: they lie in memory where the machine has such a folder.
MEMORY: Final = Path("/dev/shm")


@dataclass(frozen=True)
class Pool:
    """Recorded trainings.

    Attributes:
        about: what was trained, and on what.
        curves: values and scores by epoch of each.
    """

    about: Mapping[str, Any]
    curves: tuple[Mapping[str, Any], ...]

    @cached_property
    def epochs(self) -> int:
        """Of every training."""
        return int(self.about["epochs"])

    @cached_property
    def space(self) -> dict[str, Any]:
        """The space that the grid covers, as params.yaml would name it."""
        rates = [curve["learning_rate"] for curve in self.curves]
        return {
            "learning_rate": {"low": min(rates), "high": max(rates), "log": True, "step": None},
            "batch_size": {"choices": sorted({c["batch_size"] for c in self.curves})},
            "label_smoothing": {"choices": sorted({c["label_smoothing"] for c in self.curves})},
        }

    def scores(self, values: Mapping[str, Any]) -> tuple[float, ...]:
        """Return a curve between those of the two neighbours in log learning rate, all else equal.

        Straight lines between recorded trainings: no peak is invented between two of them. Scores
        are rounded to one validation example, since less is no difference.
        """
        alike = sorted(
            (math.log(curve["learning_rate"]), curve["scores"])
            for curve in self.curves
            if curve["batch_size"] == values["batch_size"]
            and curve["label_smoothing"] == values["label_smoothing"]
        )
        rates, curves = zip(*alike, strict=True)
        rate = math.log(values["learning_rate"])
        rows = int(self.about["validation"])
        between = (np.interp(rate, rates, column) for column in zip(*curves, strict=True))
        return tuple(round(float(score) * rows) / rows for score in between)

    def random_best(self, draws: np.random.Generator) -> float:
        """Return the best score of so many random trainings, none of them pruned."""
        space = self.space
        low, high = (math.log(space["learning_rate"][end]) for end in ("low", "high"))
        trials = (
            {
                "learning_rate": math.exp(draws.uniform(low, high)),
                "batch_size": draws.choice(space["batch_size"]["choices"]),
                "label_smoothing": draws.choice(space["label_smoothing"]["choices"]),
            }
            for _ in range(RANDOM)
        )
        return max(max(self.scores(values)) for values in trials)


@dataclass(frozen=True)
class Policy:
    """A way to search.

    Attributes:
        name: in tables.
        sampler: of params.yaml's.
        startup: trials that must have ended before the sampler proposes.
        pruner: of params.yaml's, laid over its own.
    """

    name: str
    sampler: str
    startup: int
    pruner: Mapping[str, Any]


# Ours, what it was made of before, and what a search without any of it does.
POLICIES: Final = (
    Policy("Gaussian process, median pruning", "gp", 2, {"warmup_epochs": 2}),
    Policy("Gaussian process, no pruning", "gp", 2, {"kind": "none"}),
    Policy("TPE, median pruning", "tpe", 2, {"warmup_epochs": 2}),
    Policy("by lot, no pruning", "random", 1, {"kind": "none"}),
)


@dataclass(frozen=True)
class Spent:
    """What a policy spent, against as many random trainings as `RANDOM`.

    Attributes:
        policy: its name.
        shares: per repetition, epochs until a complete trial scored as well, divided by the random
            ones'; 1 where none did within as many epochs.
    """

    policy: str
    shares: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the shares."""
        return statistics.median(self.shares)

    @property
    def mean(self) -> float:
        """Of the shares."""
        return statistics.mean(self.shares)

    @property
    def missed(self) -> float:
        """How often it found none."""
        return sum(share >= 1 for share in self.shares) / len(self.shares)


def load_pool(path: Path = FIRST) -> Pool:
    """Read what `benchmarks.search_record` wrote."""
    recorded = read_json(path)
    return Pool(recorded["about"], tuple(recorded["curves"]))


def spent(pool: Pool, policy: Policy, seeds: Iterable[int]) -> Spent:
    """Search once per seed, each against random trainings of its own."""
    return Spent(policy.name, tuple(_share(pool, policy, seed) for seed in seeds))


def _share(pool: Pool, policy: Policy, seed: int) -> float:
    target = pool.random_best(np.random.default_rng(seed))
    most = RANDOM * pool.epochs
    params, training = sections(pool, policy, most)
    replay = Replay(pool, target)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        place = StudyPlace(Path(folder), "replayed")
        try:
            run_search(params, training, seed, Inline(replay), place)
        except ReachedError:
            return replay.epochs / most
    return 1.0


class ReachedError(Exception):
    """A trial scored as well as the best random one: nothing more is to be spent."""


class Replay:
    """Answers with recorded curves, and counts their epochs.

    Attributes:
        epochs: told so far.
    """

    def __init__(self, pool: Pool, target: float) -> None:
        self._pool, self._target = pool, target
        self.epochs = 0

    def __call__(self, training: TrainingParams, _: int, report: Report, /) -> float:
        """Tell the epochs of the nearest recorded training; raises ReachedError at the target."""
        scores = self._pool.scores(training.model_dump())
        for epoch, score in enumerate(scores, start=1):
            self.epochs += 1
            report(epoch, score)
        if max(scores) >= self._target:
            raise ReachedError
        return max(scores)


@dataclass(frozen=True)
class Sleeping:
    """A trial on a device of its own: this machine does nothing for it but wait."""

    def __call__(self, training: TrainingParams, _: int, report: Report, /) -> float:
        """Wait, and score."""
        time.sleep(SLEEP_SECONDS)
        report(1, training.learning_rate)
        return training.learning_rate


def sections(pool: Pool, policy: Policy, budget: int) -> tuple[SearchParams, TrainingParams]:
    """Return params.yaml's sections, with the pool's space and the policy's figures."""
    tree = read_tree(ROOT / "params.yaml")
    search = tree["search"] | {
        "trials": budget,
        "budget_epochs": budget,
        "epochs": pool.epochs,
        "sampler": policy.sampler,
        "startup_trials": policy.startup,
        "warm_start": 0,
        "pruner": tree["search"]["pruner"] | dict(policy.pruner),
        "space": pool.space,
        "finalists": {"trials": 1, "seeds": 0, "minutes": None},
        "ablation": None,
    }
    training = TrainingParams.model_validate_json(json.dumps(tree["training"]))
    grown = overlay(training, {"patience": pool.epochs}, "benchmarks")
    return SearchParams.model_validate_json(json.dumps(search)), grown
