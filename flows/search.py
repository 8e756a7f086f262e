"""In: data/tokens and the encoder. Out: search/, with the winner's values, all trials and plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prefect import flow

from components import encoders
from components.files import sha256_json
from components.params import EncoderParams, ProjectParams, SearchParams, TrainingParams
from components.registry import Registry, log_trial, open_registry, start_study
from components.registry import Trial as LoggedTrial
from components.search import Report, SearchWatch, StudyPlace, Trial, run_search, write_results
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import Task, TaskOptions
from components.tokens import read_token_card
from components.training import Epoch, Step, Watch, fit
from flows.artifacts import publish, table
from flows.progress import Advance, progress
from flows.stage import STATE, WAIT_SECONDS, as_json


@flow(validate_parameters=False)
def search(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    search: SearchParams,
    training: TrainingParams,
    tokens: Path,
    out: Path,
) -> str:
    """Search hyper-parameters; trial 0 is the training section untouched."""
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    compared = {
        "tokens": read_token_card(tokens)["sha256"],
        "encoder": encoder.sha256,
        "seed": project.seed,
        "task": as_json(task),
        "search": search.model_dump(mode="json", exclude={"trials", "minutes"}),
        "training": as_json(training),
    }
    study = f"{project.name}-{sha256_json(compared)[:12]}"
    books = open_registry(STATE, WAIT_SECONDS)
    run = start_study(books, project.name, study, {"trials": search.trials, **as_json(training)})
    with progress("search") as advance:
        found = run_search(
            search,
            training,
            derive(project.seed, "search"),
            objective(load_task(task), folder, tokens, advance),
            StudyPlace(STATE / "studies", study),
            SearchWatch(on_end=logger(books, run)),
        )
    write_results(found, out)
    best = found.best
    publish(
        "search", table("trial", "validation score", {str(t.number): t.score for t in found.trials})
    )
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    return (
        f"{len(found.trials)} trials, {pruned} pruned, best {best.score:.4f} (trial {best.number})"
    )


def objective(
    task: Task, encoder: Path, tokens: Path, advance: Advance
) -> Callable[[TrainingParams, int, Report], float]:
    """Return what a trial does: fit, telling the pruner its score after every epoch."""
    started = -1

    def score(training: TrainingParams, seed: int, report: Report) -> float:
        nonlocal started
        started += 1

        def on_step(step: Step) -> None:
            note = f"loss {step.loss:.3f}  {step.examples_per_second:.0f} examples/s"
            advance(step.number, step.steps, f"trial {started} of this run  {note}")

        def on_epoch(epoch: Epoch) -> None:
            report(epoch.number, epoch.score)

        watch = Watch(on_step=on_step, on_epoch=on_epoch)
        return fit(task, training, encoder, tokens, seed, watch).score

    return score


def logger(books: Registry, run: str) -> Callable[[Trial], None]:
    """Return what writes each trial that ended under the study's run in MLflow."""

    def log(trial: Trial) -> None:
        values: Mapping[str, Any] = trial.values
        log_trial(books, run, LoggedTrial(trial.number, values, trial.scores, trial.state))

    return log
