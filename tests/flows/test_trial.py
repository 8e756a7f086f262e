"""In: real trainings of a tiny encoder. Out: a process of its own changes nothing of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.params import SearchParams, TrainingParams
from components.search import Copies, Inline, Local, Report, Searched, StudyPlace, run_search
from components.tasks import load_task
from components.tasks.base import Task
from components.tokenization import tokenize
from components.tokens import subset
from flows.trial import Training, preload

TRIALS = 2


@pytest.fixture(scope="module")
def objective(
    task: Task, tiny_encoder: Path, example_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Training:
    from components.params.sections import TokenizationParams

    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    params = TokenizationParams(max_length=32, max_truncated_share=1.0)
    tokenize(task, params, tiny_encoder, "toy", example_folder, tokens)
    few = tokens.with_name("few")
    subset(tokens, np.arange(40), few)
    return Training(task.options, tiny_encoder, "toy", tokens, few)


@pytest.fixture
def search(
    objective: Training, params_tree: dict[str, Any], tmp_path: Path
) -> Callable[..., Searched]:
    def run(engine: Any, name: str) -> Searched:
        finalists = {"trials": 2, "seeds": 1, "minutes": None}
        pruner = params_tree["search"]["pruner"] | {"kind": "none"}
        base = {"trials": TRIALS, "epochs": 2, "pruner": pruner, "finalists": finalists}
        section = SearchParams.model_validate_json(json.dumps(params_tree["search"] | base))
        training = TrainingParams.model_validate_json(
            json.dumps(params_tree["training"] | {"checkpoint_minutes": 1e-9})
        )
        place = StudyPlace(tmp_path / "studies", name, checkpoints=tmp_path / "checkpoints")
        copies = Copies(60, 20, np.arange(24), load_task(objective.task).score)
        return run_search(section, training, 7, engine, place, copies=copies)

    return run


def figures(found: Searched) -> list[object]:
    """All that must repeat to the last bit; curves hold every loss that was told."""
    trials = [(t.values, t.scores, t.score, t.curves) for t in found.trials]
    assert found.ablation
    again = [*found.retrainings, *found.ablation.trainings]
    return [*trials, *((r.scores, r.score, r.curves) for r in again)]


@dataclass(frozen=True)
class Killed:
    """Kills itself after the first epoch of every training, once."""

    objective: Training
    folder: Path

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        assert report.checkpoints
        mark = self.folder / report.checkpoints.name
        if mark.exists():
            return self.objective(training, seed, report)
        return self.objective(training, seed, Fatal(report, mark))


class Fatal:
    """A report that kills the process after the first epoch was told."""

    def __init__(self, report: Report, mark: Path) -> None:
        self.checkpoints, self.seat = report.checkpoints, report.seat
        self.show, self.curve, self.device = report.show, report.curve, report.device
        self.copies, self.judged = report.copies, report.judged
        self._report, self._mark = report, mark

    def __call__(self, epoch: int, score: float, /) -> None:
        self._report(epoch, score)
        self._mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_of_its_own_gives_the_same_bits_and_so_does_one_that_was_killed(
    objective: Training, search: Callable[..., Searched], tmp_path: Path
) -> None:
    modules = preload(objective.encoder)
    inline = search(Inline(objective), "inline")
    local = search(Local(objective, modules), "local")
    assert figures(local) == figures(inline)
    killed = search(Local(Killed(objective, tmp_path), modules), "killed")
    assert [trial.attempts for trial in killed.trials] == [2] * TRIALS
    assert [r.attempts for r in killed.retrainings] == [2] * TRIALS
    assert killed.ablation
    assert inline.ablation
    assert [arm.attempts for arm in killed.ablation.trainings] == [2, 2]
    assert killed.ablation.as_json("accuracy") == inline.ablation.as_json("accuracy")
    assert [(t.scores, t.score) for t in killed.trials] == [
        (t.scores, t.score) for t in inline.trials
    ]
    assert [f.scores for f in killed.finalists] == [f.scores for f in inline.finalists]


def test_preload_starts_no_thread_and_imports_nothing_that_only_the_parent_needs(
    objective: Training, root: Path
) -> None:
    program = (
        "import importlib, pathlib, sys\n"
        "for name in sys.argv[1].split(','): importlib.import_module(name)\n"
        "threads = pathlib.Path('/proc/self/task').glob('*/comm')\n"
        "heavy = {'prefect', 'mlflow', 'optuna', 'matplotlib'}\n"
        "print(sorted(t.read_text().strip() for t in threads), heavy & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, ",".join(preload(objective.encoder))],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    threads, heavy = done.stdout.strip().split("] ")
    # The memory allocator of pyarrow has one that it starts anew in what is forked.
    assert {name.strip("[' ") for name in threads.split(",")} <= {"python", "jemalloc_bg_thd"}
    assert heavy == "set()"
