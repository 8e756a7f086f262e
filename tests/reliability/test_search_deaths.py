"""In: a search whose processes are killed at random, and whose storage restarts. Out: a full count.

Row 6 of what is promised under faults: as many trials end as were asked for, no values are
completed twice, and a trial that is done again goes on from its checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.params import SearchParams, TrainingParams
from components.search import Local, Report, Searched, SearchWatch, StudyPlace, run_search
from components.search.study import open_study
from tests.reliability.servers import Database

EPOCHS = 3
WORKERS = 4
SEED = 20


@dataclass(frozen=True)
class Sleeping:
    """Trains by sleeping, keeps each epoch in a checkpoint, and notes those that it began."""

    log: Path
    seconds: float

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        assert report.checkpoints
        report.checkpoints.mkdir(parents=True, exist_ok=True)
        for epoch in range(1, training.epochs + 1):
            done = report.checkpoints / str(epoch)
            if not done.exists():
                with self.log.open("a", encoding="utf-8") as file:
                    file.write(f"{training.learning_rate} {epoch}\n")
                time.sleep(self.seconds)
                done.touch()
            report(epoch, training.learning_rate * epoch)
        return training.learning_rate


@dataclass(frozen=True)
class Faults:
    """What goes wrong.

    Attributes:
        trials: of the search.
        seconds: of an epoch.
        kills: seconds between two.
        most: kills; on a busy machine a process may take longer to start than to be killed.
        restarts: when the storage stops, in seconds from the start.
        absence: for how long.
    """

    trials: int
    seconds: float
    kills: float
    most: int
    restarts: tuple[float, ...] = ()
    absence: float = 1.0


@contextlib.contextmanager
def background(work: Callable[[threading.Event], None]) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def killing(faults: Faults, killed: list[int]) -> Callable[[threading.Event], None]:
    """Kill a trial's process now and then, whichever."""
    draw = random.Random(SEED)

    def work(over: threading.Event) -> None:
        while not over.wait(faults.kills) and len(killed) < faults.most:
            server: Any = forkserver._forkserver
            with contextlib.suppress(psutil.Error, TypeError):
                children = psutil.Process(server._forkserver_pid).children()
                chosen = draw.choice(children) if children else None
                if chosen is not None and chosen.status() != psutil.STATUS_ZOMBIE:
                    chosen.kill()
                    killed.append(chosen.pid)

    return work


def restarting(faults: Faults, address: str | None) -> Callable[[threading.Event], None]:
    """Stop the storage and start it again."""

    def work(over: threading.Event) -> None:
        begun = time.monotonic()
        for at in faults.restarts:
            if over.wait(max(0.0, at - (time.monotonic() - begun))) or address is None:
                return
            database = Database(address)
            database.stop()
            time.sleep(faults.absence)
            database.start()

    return work


def survive(
    faults: Faults, params_tree: dict[str, Any], folder: Path, address: str | None
) -> tuple[Searched, list[str], list[int], Counter[str]]:
    """Search under faults; return what was found, the deaths, the kills, and the epochs begun."""
    tree = params_tree["search"] | {
        "trials": faults.trials,
        "epochs": EPOCHS,
        "workers": WORKERS,
        "attempts": 1000,
        "pruner": params_tree["search"]["pruner"] | {"kind": "none"},
        "space": {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True, "step": None}},
        "finalists": {"trials": 1, "seeds": 0, "minutes": None},
        "ablation": None,
    }
    params = SearchParams.model_validate_json(json.dumps(tree))
    training = TrainingParams.model_validate_json(json.dumps(params_tree["training"]))
    place = StudyPlace(
        folder / "studies",
        "faulty",
        checkpoints=folder / "checkpoints",
        database=address,
        patience=120.0,
    )
    deaths: list[str] = []
    killed: list[int] = []
    watch = SearchWatch(on_died=lambda number, round_, reason, again: deaths.append(reason))
    engine = Local(Sleeping(folder / "begun", faults.seconds), ())
    with background(killing(faults, killed)), background(restarting(faults, address)):
        found = run_search(params, training, 7, engine, place, watch)
    with open_study(place) as book:
        held = book.storage.get_all_trials(book.study_id, deepcopy=False)
    assert [t.state.name for t in held] == ["COMPLETE"] * faults.trials
    assert [t.user_attrs["number"] for t in held] == list(range(faults.trials))
    begun = Counter((folder / "begun").read_text(encoding="utf-8").splitlines())
    return found, deaths, killed, begun


def judge(faults: Faults, survived: tuple[Searched, list[str], list[int], Counter[str]]) -> str:
    """Hold what a search came to against the promise, and return its figures."""
    found, deaths, killed, begun = survived
    asked, ended = faults.trials, len(found.trials)
    values = Counter(str(dict(trial.values)) for trial in found.trials)
    twice = sum(count - 1 for count in values.values())
    again = sum(begun.values()) - EPOCHS * asked
    assert killed, "nothing was killed"
    assert ended == asked
    assert twice == 0
    assert set(deaths) == {"killed by SIGKILL"}
    assert sum(trial.attempts for trial in found.trials) == asked + len(deaths)
    assert len(deaths) <= len(killed)
    # A death costs the epoch that ran, and no other: the rest lay in checkpoints.
    assert again <= len(deaths)
    return (
        f"{asked} trials asked for, {ended} ended, {twice} completed twice; {len(killed)} kills, "
        f"{len(deaths)} of a running trial, {again} epochs begun again, "
        f"{len(faults.restarts)} restarts of the storage"
    )


def test_search_accounts_for_every_trial_when_its_processes_are_killed(
    params_tree: dict[str, Any], tmp_path: Path
) -> None:
    faults = Faults(trials=12, seconds=0.15, kills=0.5, most=8)
    judge(faults, survive(faults, params_tree, tmp_path, None))


def test_search_accounts_for_every_trial_when_its_database_restarts_too(
    params_tree: dict[str, Any], tmp_path: Path, postgres_url: Callable[[str, str], str]
) -> None:
    faults = Faults(trials=12, seconds=0.3, kills=0.7, most=6, restarts=(1.5, 4.0))
    address = postgres_url(f"faults{os.getpid()}", "psycopg")
    judge(faults, survive(faults, params_tree, tmp_path, address))


@pytest.mark.chaos
def test_a_hundred_trials_one_killed_every_20_seconds_and_three_restarts(
    params_tree: dict[str, Any], tmp_path: Path, postgres_url: Callable[[str, str], str]
) -> None:
    faults = Faults(
        trials=100, seconds=4.0, kills=20.0, most=1000, restarts=(50.0, 140.0, 230.0), absence=2.0
    )
    address = postgres_url(f"chaos{os.getpid()}", "psycopg")
    print(judge(faults, survive(faults, params_tree, tmp_path, address)))  # noqa: T201
