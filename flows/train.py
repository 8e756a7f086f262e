"""In: data/tokens, the encoder and the winner of the search. Out: models/trained."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components import encoders
from components.files import sha256_json
from components.lineage import lineage
from components.params import EncoderParams, ProjectParams, TrainingParams, overlay
from components.params.load import read_tree
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.tokens import read_token_card
from components.training import Watch, fit, save
from flows.progress import Advance, progress
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
    kind = load_task(task)
    with progress("train") as advance:
        fitted = fit(kind, winner, folder, tokens, derive(project.seed, "training"), watch(advance))
    card = read_token_card(tokens)
    shaped_by = {"seed": project.seed, "task": as_json(task), "training": as_json(winner)}
    origin = lineage(sha256_json(card["sha256"]), shaped_by, encoders.digest(encoder.sha256))
    save(fitted, kind, tokens, origin, out)
    return f"validation {kind.metric} {fitted.score:.4f} after epoch {fitted.best_epoch}"


def watch(advance: Advance) -> Watch:
    """Return a watch that shows steps, loss and speed."""
    return Watch(
        on_step=lambda step: advance(
            step.number,
            step.steps,
            f"epoch {step.epoch}  loss {step.loss:.3f}  {step.examples_per_second:.0f} examples/s",
        )
    )
