"""In: data/tokens and the encoder. Out: how the score grows with the labels; a page and JSON."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from components import encoders
from components.curve import (
    About,
    Point,
    Subset,
    foresee,
    keep,
    read_kept,
    subsets,
    write_page,
)
from components.params import (
    EncoderParams,
    LearningCurveParams,
    ProjectParams,
    TrainingParams,
)
from components.seeding import derive, generator
from components.tasks import load_task
from components.tasks.base import Array, Task, TaskOptions
from components.tokens import open_groups, open_roots, open_split, subset
from components.training import Checkpoints, fit, shortened, training_key
from components.training.answers import tallies
from flows.progress import Board, trainings
from flows.stage import STATE

KEPT = STATE / "curves"


def learning_curve(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    training: TrainingParams,
    learning_curve: LearningCurveParams,
    tokens: Path = Path("data/tokens"),
    out: Path = Path("reports/learning_curve.html"),
) -> str:
    """Train on shares of the labels, and tell what more labels would buy.

    Trains with the training section as it is; validation rows are the only ones it is scored on.
    Each training is kept once it is done, and one that was cut short goes on: run it again.
    """
    kind = load_task(task)
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    folder = shortened(folder, encoder.layers, STATE / "encoders" / "shortened")
    digest = encoders.digest(encoder.sha256, encoder.layers)
    plan = subsets(
        open_split(tokens, "train").targets,
        open_roots(tokens),
        learning_curve.shares,
        learning_curve.seeds,
        project.seed,
    )
    found: list[tuple[Point, Array]] = []
    with trainings("learning_curve") as board:
        each = _Each(kind, training, folder, digest, tokens, project.seed, board)
        for number, part in enumerate(plan):
            board.overall("trainings", number, len(plan))
            found.append(each.point(part))
    points = [point for point, _ in found]
    groups = open_groups(tokens)
    foresight = foresee(
        learning_curve,
        points,
        [told for _, told in found],
        kind.score,
        groups,
        generator(project.seed, "curve", "chance"),
    )
    about = About(project.name, kind.metric, len(groups), int(groups.max()) + 1, training.epochs)
    return write_page(foresight, points, about, out, out.with_suffix(".json"))


@dataclass(frozen=True)
class _Each:
    """Trains on one share after the other."""

    task: Task
    params: TrainingParams
    encoder: Path
    digest: str
    tokens: Path
    seed: int
    board: Board

    def point(self, part: Subset) -> tuple[Point, Array]:
        """Return a point that is kept, or train it."""
        name = f"{part.share:g} of the labels, seed {part.draw + 1}"
        seed = derive(self.seed, "curve", part.draw)
        # By equal epochs a lack of labels would be a lack of steps as well.
        params = self.params.longer(1 / part.share)
        tokens = KEPT / f"tokens-{part.share:g}-{part.draw}"
        subset(self.tokens, part.rows, tokens)
        try:
            key = training_key(self.task, params, self.digest, tokens, seed)
            if kept := read_kept(KEPT / key[:16]):
                self.board.epoch(name, kept[0].best_epoch, kept[0].score)
                return kept
            saved = Checkpoints(
                STATE / "checkpoints" / key[:16], params.checkpoint_minutes, self.digest
            )
            fitted = fit(
                self.task, params, self.encoder, tokens, seed, self.board.watch(name), saved
            )
            told = tallies(fitted.model, self.task, tokens)
        finally:
            shutil.rmtree(tokens, ignore_errors=True)
        point = Point(
            share=part.share,
            draw=part.draw,
            labels=part.labels,
            rows=len(part.rows),
            score=fitted.score,
            epochs=len(fitted.history),
            best_epoch=fitted.best_epoch,
            seconds=sum(epoch.seconds for epoch in fitted.history),
        )
        keep(KEPT / key[:16], point, told)
        saved.remove()
        self.board.end(name)
        return point, told
