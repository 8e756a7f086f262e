"""In: data/tokens, the encoder and the winner of the search. Out: models/trained."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components import encoders
from components.errors import DivergenceError
from components.files import sha256_json
from components.lineage import lineage
from components.params import (
    DistillationParams,
    EncoderParams,
    ProjectParams,
    TrainingParams,
    overlay,
)
from components.params.load import read_tree
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.tokens import read_token_card
from components.training import (
    Checkpoints,
    first_process,
    fit,
    save,
    shortened,
    training_key,
    tuned,
)
from flows.copies import learned_from
from flows.distil import School, teach
from flows.progress import trainings
from flows.stage import STATE, as_json


@flow(validate_parameters=False)
def train(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    training: TrainingParams,
    distillation: DistillationParams,
    tokens: Path,
    search: Path,
    out: Path,
) -> str:
    """Fine-tune the encoder with the winner of the search."""
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    folder = shortened(folder, encoder.layers, STATE / "encoders" / "shortened")
    kind = load_task(task)
    seed, digest = derive(project.seed, "training"), encoders.digest(encoder.sha256, encoder.layers)
    lessons = None
    with trainings("train") as board, learned_from(tokens, search) as rows:
        tokens_ = rows.tokens
        winner = winner_of(training, search)
        shaped_by = {"seed": project.seed, "task": as_json(task), "training": winner.shaping()}
        if distillation.teachers:
            school = School(
                kind, training, distillation, folder, digest, tokens_, search, project.seed
            )
            lessons = teach(school, board)
            tokens_ = lessons.tokens
            shaped_by |= {"distillation": as_json(distillation), "teachers": lessons.values}
        key = training_key(kind, winner, digest, tokens_, seed)
        checkpoints = Checkpoints(
            STATE / "checkpoints" / key[:16], winner.checkpoint_minutes, digest
        )
        try:
            fitted = fit(kind, winner, folder, tokens_, seed, board.watch(), checkpoints)
        except DivergenceError:
            # Whatever goes on from there diverges again.
            checkpoints.remove()
            raise
    card = read_token_card(tokens)
    kind = tuned(fitted.model, kind, tokens)
    facts = {**rows.facts, **(lessons.facts if lessons else {})}
    made_from = lineage(sha256_json(card["sha256"]), shaped_by | rows.shaping(), digest)
    if first_process():
        save(fitted, kind, tokens, made_from, out, facts)
        checkpoints.remove()
    if lessons:
        lessons.remove()
    told = f"validation {kind.metric} {fitted.score:.4f} after epoch {fitted.best_epoch}"
    return f"{told}{lessons.told() if lessons else ''}{rows.told}"


def winner_of(training: TrainingParams, search: Path) -> TrainingParams:
    """Return the section with the winner of the search laid over it."""
    best = search / "best.yaml"
    return overlay(training, read_tree(best)["values"], str(best))
