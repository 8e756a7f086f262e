"""In: data/tokens and the encoder. Out: search/, with the winner's values, all trials and plots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from prefect import flow

from components import encoders
from components.files import sha256_json
from components.params import EncoderParams, ProjectParams, SearchParams, TrainingParams
from components.registry import Registry, log_trial, open_registry, start_study
from components.registry import Trial as LoggedTrial
from components.search import (
    Report,
    Retraining,
    Searched,
    SearchWatch,
    StudyPlace,
    Trial,
    run_search,
    write_results,
)
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
    """Search hyper-parameters; the best trials train again with other seeds, the best mean wins.

    Trial 0 is the training section untouched. Only training and validation tokens are read.
    """
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    compared = {
        "tokens": read_token_card(tokens)["sha256"],
        "encoder": encoder.sha256,
        "seed": project.seed,
        "task": as_json(task),
        "search": search.model_dump(mode="json", exclude={"trials", "minutes", "finalists"}),
        "training": as_json(training),
    }
    study = f"{project.name}-{sha256_json(compared)[:12]}"
    books = open_registry(STATE, WAIT_SECONDS)
    run = start_study(books, project.name, study, {"trials": search.trials, **as_json(training)})
    with progress("search") as advance:
        shown = Shown(advance)
        found = run_search(
            search,
            training,
            derive(project.seed, "search"),
            objective(load_task(task), folder, tokens, shown),
            StudyPlace(STATE / "studies", study),
            watch(shown, books, run),
        )
    write_results(found, out)
    publish(
        "search", table("trial", "validation score", {str(t.number): t.score for t in found.trials})
    )
    publish(
        "finalists",
        table(
            "trial",
            "mean validation score",
            {str(f.trial): f.reason or f.figure for f in found.finalists},
        ),
    )
    return figure(found)


def figure(found: Searched) -> str:
    """Return the one line: how many trials, the best mean, and who fell out with another seed."""
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    out = [f"; trial {f.trial} diverged with another seed" for f in found.finalists if f.reason]
    best = found.best
    return (
        f"{len(found.trials)} trials, {pruned} pruned, best {best.figure} (trial {best.trial})"
        + "".join(out)
    )


class Shown:
    """Shows the steps of one training after another, under the name of what trains."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._title = ""

    def trial(self, number: int) -> None:
        """A trial starts."""
        self._title = f"trial {number}"

    def again(self, number: int, round_: int) -> None:
        """A finalist starts to train again."""
        self._title = f"finalist {number}, seed {round_ + 1}"

    def step(self, step: Step) -> None:
        """Show where the training stands."""
        note = f"loss {step.loss:.3f}  {step.examples_per_second:.0f} examples/s"
        self._advance(step.number, step.steps, f"{self._title}  {note}")


def objective(
    task: Task, encoder: Path, tokens: Path, shown: Shown
) -> Callable[[TrainingParams, int, Report], float]:
    """Return what a trial does: fit, telling the pruner its score after every epoch."""

    def score(training: TrainingParams, seed: int, report: Report) -> float:
        def on_epoch(epoch: Epoch) -> None:
            report(epoch.number, epoch.score)

        watch = Watch(on_step=shown.step, on_epoch=on_epoch)
        return fit(task, training, encoder, tokens, seed, watch).score

    return score


def watch(shown: Shown, books: Registry, run: str) -> SearchWatch:
    """Return what shows each training, and writes it under the study's run when it has ended."""

    def log(trial: Trial) -> None:
        log_trial(books, run, LoggedTrial(trial.number, trial.values, trial.scores, trial.state))

    def log_again(again: Retraining) -> None:
        state: Literal["failed", "complete"] = "failed" if again.score is None else "complete"
        log_trial(
            books, run, LoggedTrial(again.trial, again.values, again.scores, state, again.round)
        )

    return SearchWatch(shown.trial, log, shown.again, log_again)
