"""In: one training on some of the labels. Out: what it came to, kept so that it is done once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from components.errors import IntegrityError
from components.files import (
    atomic_folder,
    read_json,
    verify_manifest,
    write_json,
    write_manifest,
)

FACTS: Final = "point.json"
ANSWERS: Final = "logits.npy"


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


def keep(folder: Path, point: Point, logits: npt.NDArray[np.float32]) -> None:
    """Write a point and its answers to all validation rows, whole or not at all."""
    with atomic_folder(folder) as partial:
        write_json(partial / FACTS, asdict(point))
        np.save(partial / ANSWERS, logits)
        write_manifest(partial)


def read_kept(folder: Path) -> tuple[Point, npt.NDArray[np.float32]] | None:
    """Read what `keep` wrote; None when it is absent or altered, and must be trained."""
    try:
        verify_manifest(folder)
    except (IntegrityError, OSError):
        return None
    logits: npt.NDArray[np.float32] = np.load(folder / ANSWERS)
    return Point(**read_json(folder / FACTS)), logits
