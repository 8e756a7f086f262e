"""In: tokens, a search, and how many teachers. Out: tokens that carry what the teachers answer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from components.errors import DivergenceError, IntegrityError, ParamsError
from components.files import (
    atomic_folder,
    read_json,
    sha256_json,
    verify_manifest,
    write_json,
    write_manifest,
)
from components.params import DistillationParams, TrainingParams, overlay
from components.params.load import read_tree
from components.schema import SEEN, Seen
from components.seeding import derive
from components.tasks.base import Array, Task, metrics
from components.tokens import open_split
from components.training import Checkpoints, first_process, fit, training_key
from components.training.answers import answers
from components.training.distil import soften, write_soft
from flows.progress import Board
from flows.stage import STATE

KEPT: Final = STATE / "teachers"
SPLITS: Final[tuple[Seen, ...]] = SEEN


@dataclass(frozen=True)
class School:
    """What all teachers share.

    Attributes:
        task: that they learn.
        training: the section that each one's values are laid over.
        params: how many there are, and how one learns from them.
        encoder: folder with config.json and safetensors.
        digest: of the encoder's files.
        tokens: folder that tokenize wrote.
        search: folder with best.yaml and trials.parquet.
        seed: the project's.
    """

    task: Task
    training: TrainingParams
    params: DistillationParams
    encoder: Path
    digest: str
    tokens: Path
    search: Path
    seed: int


@dataclass(frozen=True)
class Teacher:
    """A model that one learns from.

    Attributes:
        values: that were laid over the training section.
        score: the task's metric on validation.
        logits: (rows, labels) per split.
    """

    values: Mapping[str, Any]
    score: float
    logits: Mapping[Seen, Array]


@dataclass(frozen=True)
class Lessons:
    """What the one model learns from.

    Attributes:
        tokens: the folder to train on.
        values: of each teacher.
        facts: for the model's history: scores of each teacher and of all together.
    """

    tokens: Path
    values: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]

    def told(self) -> str:
        """Return how good the teachers are together, as the end of a sentence."""
        score = self.facts["ensemble"]["score"]
        return f", its {len(self.values)} teachers together {score:.4f}"

    def remove(self) -> None:
        """Delete that folder: what was learned from it is on the disk."""
        shutil.rmtree(self.tokens, ignore_errors=True)


def teach(school: School, board: Board) -> Lessons:
    """Train the teachers, or take those that are kept, and write down what they answer together.

    Each teacher is kept once it is trained, and one that is cut short goes on from its checkpoint.
    One that diverges is left out.

    Raises:
        ParamsError: the task has no one label per row.
        DivergenceError: all of them diverged.
        Interrupted: the process was asked to end.
    """
    if open_split(school.tokens, "train").targets.ndim != 1:
        raise ParamsError(
            "distillation.teachers: must be 0 for a task whose rows have not one label each, found "
            f"{school.params.teachers}",
            "set distillation.teachers to 0",
        )
    found: list[Teacher] = []
    for number, values in enumerate(values_of(school.search, school.params)):
        board.overall("teachers", number, school.params.teachers)
        try:
            found.append(_teacher(school, number, values, board))
        except DivergenceError as error:
            board.line(f"teacher {number + 1} is left out: {error.what}")
    if not found:
        raise DivergenceError(
            "distillation: no teacher came to its end",
            "lower training.learning_rate, or set distillation.teachers to 0",
        )
    scores = [teacher.score for teacher in found]
    together = ensemble_score(school.task, school.tokens, [t.logits["validation"] for t in found])
    board.line(f"{len(found)} teachers, together {together:.4f}, the best alone {max(scores):.4f}")
    # Several processes have a folder each: it holds links, and one small array.
    name = sha256_json([school.params.model_dump(mode="json"), scores])[:16]
    out = KEPT / f"tokens-{name}-{os.environ.get('RANK', '0')}"
    write_soft(school.tokens, [t.logits["train"] for t in found], school.params, out)
    facts = {
        **school.params.model_dump(mode="json"),
        "scores": scores,
        "values": [dict(teacher.values) for teacher in found],
        "score": together,
    }
    return Lessons(out, tuple(t.values for t in found), {"ensemble": facts})


def values_of(search: Path, params: DistillationParams) -> list[dict[str, Any]]:
    """Return the values of each teacher, the best trial's first."""
    winner = read_tree(search / "best.yaml")["values"]
    if params.values == "winner":
        return [winner] * params.teachers
    rows = pq.read_table(search / "trials.parquet").to_pylist()
    done = [row for row in rows if row["state"] == "complete"]
    ranked = sorted(done, key=lambda row: (-row["score"], row["number"]))
    values = [{name: row[name] for name in winner} for row in ranked]
    return [values[number % len(values)] for number in range(params.teachers)]


def ensemble_score(task: Task, tokens: Path, logits: list[Array]) -> float:
    """Return the task's metric of the teachers' mean answer to all validation rows."""
    targets = list(open_split(tokens, "validation").targets)
    together = list(np.log(soften(logits, 1.0) + 1e-12))
    return metrics(task, *task.from_tokens(targets, together))[task.metric]


def _teacher(school: School, number: int, values: dict[str, Any], board: Board) -> Teacher:
    task, tokens = school.task, school.tokens
    params = overlay(school.training, values, str(school.search))
    seed = derive(school.seed, "teacher", number)
    key = training_key(task, params, school.digest, tokens, seed)
    folder, name = KEPT / key[:16], f"teacher {number + 1}"
    if kept := _read(folder, values):
        return kept
    saved = Checkpoints(STATE / "checkpoints" / key[:16], params.checkpoint_minutes, school.digest)
    try:
        fitted = fit(task, params, school.encoder, tokens, seed, board.watch(name), saved)
    except DivergenceError:
        saved.remove()
        raise
    logits = {s: np.stack(answers(fitted.model, task, tokens, s)) for s in SPLITS}
    board.end(name, f"validation {task.metric} {fitted.score:.4f}")
    if first_process():
        with atomic_folder(folder) as partial:
            write_json(partial / "teacher.json", {"score": fitted.score})
            for split, array in logits.items():
                np.save(partial / f"{split}.npy", array)
            write_manifest(partial)
        saved.remove()
    return Teacher(values, fitted.score, logits)


def _read(folder: Path, values: dict[str, Any]) -> Teacher | None:
    """Read what is kept of a teacher; None when it is absent or altered."""
    try:
        verify_manifest(folder)
    except (IntegrityError, OSError):
        return None
    logits = {split: np.load(folder / f"{split}.npy") for split in SPLITS}
    return Teacher(values, read_json(folder / "teacher.json")["score"], logits)
