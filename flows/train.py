"""In: data/tokens, the encoder and the winner of the search. Out: models/trained."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components import encoders
from components.errors import DivergenceError
from components.files import sha256_json
from components.lineage import lineage
from components.params import EncoderParams, ProjectParams, TrainingParams, overlay
from components.params.load import read_tree
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.tokens import read_token_card
from components.training import Checkpoints, first_process, fit, save, shortened, training_key
from flows.progress import trainings
from flows.stage import STATE, as_json


@flow(validate_parameters=False)
def train(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    training: TrainingParams,
    tokens: Path,
    search: Path,
    out: Path,
) -> str:
    """Fine-tune the encoder with the winner of the search."""
    best = search / "best.yaml"
    winner = overlay(training, read_tree(best)["values"], str(best))
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    folder = shortened(folder, encoder.layers, STATE / "encoders" / "shortened")
    kind = load_task(task)
    seed, digest = derive(project.seed, "training"), encoders.digest(encoder.sha256, encoder.layers)
    key = training_key(kind, winner, digest, tokens, seed)
    checkpoints = Checkpoints(STATE / "checkpoints" / key[:16], winner.checkpoint_minutes, digest)
    with trainings("train") as board:
        try:
            fitted = fit(kind, winner, folder, tokens, seed, board.watch(), checkpoints)
        except DivergenceError:
            # Whatever goes on from there diverges again.
            checkpoints.remove()
            raise
    card = read_token_card(tokens)
    shaped_by = {"seed": project.seed, "task": as_json(task), "training": winner.shaping()}
    if first_process():
        save(fitted, kind, tokens, lineage(sha256_json(card["sha256"]), shaped_by, digest), out)
        checkpoints.remove()
    return f"validation {kind.metric} {fitted.score:.4f} after epoch {fitted.best_epoch}"
