"""In: one training on some of the labels. Out: what it came to, kept so that it is done once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from components.errors import IntegrityError
from components.files import (
    atomic_folder,
    read_json,
    verify_manifest,
    write_json,
    write_manifest,
)
from components.tasks.base import Array

FACTS: Final = "point.json"
TALLIES: Final = "tallies.npy"


@dataclass(frozen=True)
class Point:
    """One training.

    Attributes:
        share: of the labels.
        draw: which of several draws of that share, from 0.
        labels: how many that were.
        rows: trained on, altered copies among them.
        score: the task's metric on the whole validation split.
        epochs: that were run.
        best_epoch: whose weights were scored.
        seconds: of training.
    """

    share: float
    draw: int
    labels: int
    rows: int
    score: float
    epochs: int
    best_epoch: int
    seconds: float


def keep(folder: Path, point: Point, tallies: Array) -> None:
    """Write a point and the tallies of all validation rows, whole or not at all."""
    with atomic_folder(folder) as partial:
        write_json(partial / FACTS, asdict(point))
        np.save(partial / TALLIES, tallies)
        write_manifest(partial)


def read_kept(folder: Path) -> tuple[Point, Array] | None:
    """Read what `keep` wrote; None when it is absent or altered, and must be trained."""
    try:
        verify_manifest(folder)
        tallies: Array = np.load(folder / TALLIES)
    except (IntegrityError, OSError):
        return None
    return Point(**read_json(folder / FACTS)), tallies
