"""In: a study's folder. Out: the further trainings of its trials, each kept once it has ended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from components.errors import IntegrityError
from components.search.book import Book
from components.search.jobs import Curves
from components.search.study import StudyPlace, drop_half_line

FILE: Final = "finalists.jsonl"
ATTRIBUTE: Final = "finalist:"


@dataclass(frozen=True)
class Retraining:
    """A further training of a trial that has ended.

    Attributes:
        trial: whose values it trained with.
        values: those, by searched field.
        round: from 1; in one round all finalists train with the same seed.
        score: of the best epoch; None when training diverged.
        scores: by epoch.
        seconds: how long it took.
        reason: why it diverged, or that its process died again and again.
        attempts: of this process' life: those that died, and the one that ended.
        memory: bytes at its peak, as of a trial.
        worker: where it ran.
        curves: name to points, by step or epoch.
    """

    trial: int
    values: Mapping[str, Any]
    round: int
    score: float | None
    scores: Mapping[int, float]
    seconds: float
    reason: str | None
    attempts: int = 1
    memory: int | None = None
    worker: str | None = None
    curves: Curves = field(default_factory=dict)


def read_retrainings(place: StudyPlace, book: Book) -> list[Retraining]:
    """Return what has ended so far; the caller holds the study.

    They lie beside the study: in its folder, or in its database. Half a line at the end of the
    file is what a killed process left: it is dropped, and that training is done again.

    Raises:
        IntegrityError: a whole line is no retraining.
    """
    path = _path(place)
    if place.database:
        kept = book.attributes().items()
        lines = [str(text) for name, text in sorted(kept) if name.startswith(ATTRIBUTE)]
    else:
        drop_half_line(path)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    try:
        return [as_retraining(json.loads(line)) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{path} is no record that can be read: {error!r}",
            f"delete {path}; the finalists then train again",
        ) from error


def keep(place: StudyPlace, book: Book, retraining: Retraining) -> None:
    """Add one that has ended; when this returns it is on the disk."""
    line = json.dumps(asdict(retraining), allow_nan=False)
    if place.database:
        book.write_attribute(f"{ATTRIBUTE}{retraining.round}:{retraining.trial}", line)
        return
    book.check()
    with _path(place).open("ab") as file:
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _path(place: StudyPlace) -> Path:
    return place.own / FILE


def as_retraining(row: Mapping[str, Any]) -> Retraining:
    """Return one that was written as JSON."""
    score = row["score"]
    return Retraining(
        trial=int(row["trial"]),
        values=dict(row["values"]),
        round=int(row["round"]),
        score=None if score is None else float(score),
        scores={int(epoch): float(value) for epoch, value in row["scores"].items()},
        seconds=float(row["seconds"]),
        reason=row["reason"],
        attempts=int(row.get("attempts", 1)),
        memory=row.get("memory"),
        worker=row.get("worker"),
        curves={
            name: {int(at): float(value) for at, value in points.items()}
            for name, points in row.get("curves", {}).items()
        },
    )
