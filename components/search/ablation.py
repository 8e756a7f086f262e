"""In: the trial that won. Out: its values trained with altered copies and without, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from components.arrays import Array
from components.errors import IntegrityError
from components.files import (
    atomic_folder,
    read_json,
    sha256_json,
    verify_manifest,
    write_json,
    write_manifest,
)
from components.search.again import Again
from components.search.copies import Arms
from components.search.jobs import Arm, Ending, Job, Key, arm_of
from components.search.retrainings import Retraining, as_retraining
from components.search.setup import Setup
from components.search.trials import Trial
from components.seeding import derive

FOLDER: Final = "arms"
FACTS: Final = "training.json"
TALLIES: Final = "tallies.npz"


class Sides(Again):
    """Both sides of an ablation, as work.

    * Seeds are new on both sides. The winner was chosen for its scores with the copies: were those
      counted again, the luck that chose them would speak for the copies.
    * Both sides train with the same seeds and for as many steps: in the place of a copy stands its
      original. Were it left out, a gain might be one of steps, or of a label seen more often.
    * What was killed is done again; what has ended is kept in the study's folder, with what was
      right of each validation row, and never is.

    Args:
        setup: of the search.
        winner: whose values they train with.
        most: how many may train at once.
    """

    def __init__(self, setup: Setup, winner: Trial, most: Callable[[], int]) -> None:
        super().__init__(setup, most)
        self._winner = winner
        asked = setup.params.ablation
        seeds = range(1, 1 + (asked.seeds if asked else 0))
        self._rounds = [Arm(side, seed).round for seed in seeds for side in (True, False)]
        self._waiting = [(winner.number, round_) for round_ in self._rounds]

    def arms(self) -> Arms:
        """Return all of them."""
        found = [each for round_ in self._rounds if (each := self._read(round_)) is not None]
        return Arms(tuple(one for one, _ in found), tuple(told for _, told in found))

    def next(self) -> Job | None:
        """Return the training to start now, or None."""
        while self._waiting:
            key = self._waiting.pop(0)
            if kept := self._read(key[1]):
                self._setup.forget(*key)
                self._setup.watch.on_arm(kept[0])
                continue
            arm = arm_of(key[1]) or Arm(True, 0)
            return self._begin(
                key, self._winner.values, derive(self._setup.seed, "ablation", arm.seed)
            )
        return None

    def _keep(self, key: Key, ending: Ending, reason: str | None) -> None:
        training = self._record(key, self._winner.values, ending, reason)
        with atomic_folder(self._folder(key[1])) as partial:
            write_json(partial / FACTS, asdict(training))
            if ending.tallies is not None and ending.how == "complete":
                np.savez_compressed(partial / TALLIES, tallies=ending.tallies)
            write_manifest(partial)
        self._setup.forget(*key)
        self._setup.watch.on_arm(training)

    def _read(self, round_: int) -> tuple[Retraining, Array | None] | None:
        """Read what `_keep` wrote; None when it is absent or altered, and must be trained."""
        folder = self._folder(round_)
        try:
            verify_manifest(folder)
        except (IntegrityError, OSError):
            return None
        told = folder / TALLIES
        training = as_retraining(read_json(folder / FACTS))
        return training, np.load(told)["tallies"] if told.exists() else None

    def _folder(self, round_: int) -> Path:
        name = sha256_json({"values": dict(self._winner.values), "round": round_})[:16]
        return self._setup.place.own / FOLDER / name
