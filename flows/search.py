"""In: data/tokens and the encoder. Out: search/, with the winner's values, all trials and plots."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from prefect import flow

from components import encoders
from components.files import sha256_json
from components.params import EncoderParams, ProjectParams, SearchParams, TrainingParams
from components.registry import log_report, open_registry, start_study
from components.search import (
    REPORT,
    About,
    Copies,
    Engine,
    Local,
    Ray,
    Searched,
    StudyPlace,
    run_search,
    sentence,
    write_results,
)
from components.seeding import derive
from components.tasks import load_task
from components.tasks.base import Task, TaskOptions
from components.tokens import open_altered, open_groups, open_split, read_token_card
from components.training import shortened
from flows.artifacts import publish, publish_link, table
from flows.copies import originals
from flows.progress import trainings
from flows.stage import STATE, WAIT_SECONDS, as_json
from flows.trial import Training, preload
from flows.watching import Watching

HELP: Final = {"on": "help", "off": "are not shown to help"}


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
    """Search hyper-parameters; the best trials train again with other seeds, the best mean wins.

    Trial 0 is the training section untouched. Only training and validation tokens are read.
    """
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    folder = shortened(folder, encoder.layers, STATE / "encoders" / "shortened")
    digest = encoders.digest(encoder.sha256, encoder.layers)
    study = study_of(project, task, encoder, search, training, tokens)
    scratch = STATE.resolve() / "checkpoints" / f"{study}-originals"
    trains = Training(task, folder.resolve(), digest, tokens.resolve(), scratch)
    # Before anything else that takes time: its imports go on beside what follows.
    apart = originals(tokens, scratch) if search.ablation else contextlib.nullcontext()
    with engine_of(search, trains) as engine, apart:
        books = open_registry(STATE, WAIT_SECONDS)
        run = start_study(
            books, project.name, study, {"trials": search.trials, **training.shaping()}
        )
        place = StudyPlace(
            STATE / "studies",
            study,
            family=sha256_json({"project": project.name, "task": as_json(task)}),
            checkpoints=STATE.resolve() / "checkpoints",
            database=os.environ.get("TOUCHSTONE_STUDIES"),
            patience=WAIT_SECONDS,
        )
        with trainings("search") as board:
            seed = derive(project.seed, "search")
            shown = Watching(board, books, run, search)
            copies = asked_about(load_task(task), tokens)
            found = run_search(search, training, seed, engine, place, shown.watch(), copies)
    asked = about(project, task, search, training, tokens)
    write_results(found, asked, out)
    publish_link("search-report", log_report(books, run, out / REPORT), "Search report")
    show(found, asked)
    return figure(found)


def show(found: Searched, asked: About) -> None:
    """Put what was found on the run's page in Prefect."""
    trials = table("trial", "validation score", {str(t.number): t.score for t in found.trials})
    publish("search", f"{sentence(found, asked)}\n\n{trials}")
    publish(
        "finalists",
        table(
            "trial",
            "mean validation score",
            {str(f.trial): f.reason or f.figure for f in found.finalists},
        ),
    )


def figure(found: Searched) -> str:
    """Return the one line: how many trials, the best mean, who fell out, and if copies help."""
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    out = [f"; trial {f.trial} diverged with another seed" for f in found.finalists if f.reason]
    best, asked = found.best, found.ablation
    told = f"; altered copies {HELP[asked.verdict]}" if asked else ""
    return (
        f"{len(found.trials)} trials, {pruned} pruned, best {best.figure} (trial {best.trial})"
        + "".join(out)
        + told
    )


def about(
    project: ProjectParams,
    task: TaskOptions,
    search: SearchParams,
    training: TrainingParams,
    tokens: Path,
) -> About:
    """Return what the report tells beside the trials."""
    examples = len(open_split(tokens, "train"))
    return About(project.name, load_task(task).metric, search, training, examples)


def asked_about(task: Task, tokens: Path) -> Copies:
    """Return what is told of the altered copies among the training rows."""
    altered = open_altered(tokens)
    return Copies(len(altered), int(altered.sum()), open_groups(tokens), task.score)


def engine_of(search: SearchParams, trains: Training) -> Engine:
    """Return where trials train."""
    if search.engine == "ray":
        return Ray(trains, search.address)
    return Local(trains, preload(trains.encoder))


def study_of(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    search: SearchParams,
    training: TrainingParams,
    tokens: Path,
) -> str:
    """Return the study's name, which holds all that makes scores comparable and shapes draws."""
    compared = {
        "tokens": read_token_card(tokens)["sha256"],
        "encoder": encoders.digest(encoder.sha256, encoder.layers),
        "seed": project.seed,
        "task": as_json(task),
        "search": search.shaping(),
        "training": training.shaping(),
    }
    return f"{project.name}-{sha256_json(compared)[:12]}"
