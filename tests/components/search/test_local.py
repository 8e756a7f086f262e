from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.params import SearchParams, TrainingParams
from components.search import Inline, Local, SearchWatch, StudyPlace, run_search
from tests.components.search.portable import (
    PATIENCE,
    Dying,
    DyingAgain,
    Failing,
    Noted,
    Saving,
    Together,
    Waiting,
)

Section = Callable[..., SearchParams]
ALONE = {"trials": 1, "seeds": 0, "minutes": None}
NEVER = {"kind": "none"}


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
    assert [c for c in left if "resource_tracker" not in " ".join(c.cmdline())] == []


def test_every_trial_has_a_process_of_its_own_and_finds_what_one_process_finds(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    objective = Noted(tmp_path)
    params = section(trials=4, finalists={"trials": 2, "seeds": 1, "minutes": None})
    found = run_search(params, training, 7, Local(objective, ()), place)
    begun = objective.noted("begun")
    pids = {pid for pid, *_ in begun}
    assert len(begun) == len(pids) == 6
    assert os.getpid() not in pids
    assert len({parent for _, parent, _ in begun}) == 1, "all are forked from one server"
    inline = run_search(params, training, 7, Inline(objective), StudyPlace(place.folder, "inline"))
    assert [(t.values, t.state, t.scores, t.curves) for t in found.trials] == [
        (t.values, t.state, t.scores, t.curves) for t in inline.trials
    ]
    assert found.finalists == inline.finalists
    assert found.trials[0].curves["loss"][2] == 0.5
    assert all(trial.memory is not None for trial in found.trials)


def test_trial_that_was_killed_is_done_again_with_the_same_values(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    told: list[tuple[int, int, str, bool]] = []
    watch = SearchWatch(on_died=lambda *death: told.append(death))
    objective = Dying(tmp_path, 1)
    params = section(trials=3, finalists=ALONE, pruner=NEVER)
    found = run_search(params, training, 7, Local(objective, ()), place, watch)
    assert [(t.state, t.attempts) for t in found.trials] == [
        ("complete", 1),
        ("complete", 2),
        ("complete", 2),
    ]
    rates = [rate for *_, rate in objective.noted("begun")]
    assert rates == [t.values["learning_rate"] for t in found.trials for _ in range(t.attempts)]
    assert told == [(n, 0, "killed by SIGKILL", True) for n in (1, 2)]


def test_trial_that_dies_again_and_again_has_failed_and_the_search_goes_on(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    params = section(trials=3, finalists=ALONE, pruner=NEVER, attempts=2)
    found = run_search(params, training, 7, Local(Dying(tmp_path, 9), ()), place)
    assert [(t.state, t.attempts) for t in found.trials[1:]] == [("failed", 2)] * 2
    assert found.trials[1].reason == ("its process died 2 times, the last time killed by SIGKILL")
    assert found.best.trial == 0


def test_finalist_that_dies_again_and_again_is_out(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    finalists = {"trials": 2, "seeds": 1, "minutes": None}
    params = section(trials=2, finalists=finalists, pruner=NEVER, attempts=2)
    found = run_search(params, training, 7, Local(DyingAgain(tmp_path, 7), ()), place)
    out, winner = found.finalists
    assert out.reason == "its process died 2 times, the last time killed by SIGKILL"
    assert found.best == winner
    assert [r.attempts for r in found.retrainings if r.trial == out.trial] == [2]


def test_killed_trial_goes_on_from_its_checkpoint_which_is_removed_in_the_end(
    section: Section, training: TrainingParams, tmp_path: Path
) -> None:
    place = StudyPlace(tmp_path / "studies", "toy", checkpoints=tmp_path / "checkpoints")
    objective = Saving(tmp_path)
    params = section(trials=2, epochs=3, finalists=ALONE | {"seeds": 1}, pruner=NEVER)
    found = run_search(params, training, 7, Local(objective, ()), place)
    assert [trial.attempts for trial in found.trials] == [2, 2]
    # The last epoch is begun twice, those before it once.
    assert len(objective.noted("trained")) == 3 * (3 + 1)
    assert [p for p in (tmp_path / "checkpoints").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("how", ["diverges", "reports nan"])
def test_diverged_trial_has_failed_with_the_reason(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path, how: str
) -> None:
    params = section(trials=3, finalists=ALONE, pruner=NEVER)
    found = run_search(params, training, 7, Local(Failing(tmp_path, how), ()), place)
    assert [trial.state for trial in found.trials] == ["complete", "failed", "complete"]
    assert "must be finite, found nan" in str(found.trials[1].reason)


@pytest.mark.parametrize(("how", "error"), [("breaks", ZeroDivisionError), ("exits", SystemExit)])
def test_fault_of_the_program_ends_the_search_and_the_trial_is_run_again(
    section: Section,
    training: TrainingParams,
    place: StudyPlace,
    tmp_path: Path,
    how: str,
    error: type[BaseException],
) -> None:
    params = section(trials=3, finalists=ALONE, pruner=NEVER)
    objective = Failing(tmp_path, how)
    with pytest.raises(error):
        run_search(params, training, 7, Local(objective, ()), place)
    found = run_search(params, training, 7, Local(objective, ()), place)
    assert [trial.attempts for trial in found.trials] == [1, 2, 1]


def test_hopeless_trial_is_told_to_stop_through_the_pipe(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    pruner = {"kind": "median", "startup_trials": 1, "warmup_epochs": 1}
    params = section(trials=6, finalists=ALONE, pruner=pruner)
    objective = Noted(tmp_path)
    found = run_search(params, training, 7, Local(objective, ()), place)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert len(objective.noted("done")) == 6 - len(pruned)
    for trial in pruned:
        assert trial.cut is not None
        assert trial.epochs == trial.cut.epoch < 3
        assert trial.reason == trial.cut.reason


def test_workers_train_at_once(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    params = section(trials=3, workers=3, finalists=ALONE, pruner=NEVER)
    found = run_search(params, training, 7, Local(Together(tmp_path, 3), ()), place)
    assert sorted(str(trial.worker) for trial in found.trials) == ["0", "1", "2"]
    assert found.workers == 3


def test_first_trial_is_measured_alone_and_the_memory_decides(
    section: Section, training: TrainingParams, place: StudyPlace, tmp_path: Path
) -> None:
    notes: list[str] = []
    params = section(trials=5, workers="auto", finalists=ALONE, pruner=NEVER)
    watch = SearchWatch(on_note=notes.append)
    found = run_search(params, training, 7, Local(Noted(tmp_path), ()), place, watch)
    assert notes == [found.workers_why]
    assert found.workers_why.startswith(f"{found.workers} at once: ")
    assert len(found.trials) == 5


PROGRAM = """
import json, sys
from pathlib import Path
from components.params import SearchParams, TrainingParams
from components.search import Local, StudyPlace, run_search
from tests.components.search.portable import Waiting
search, training, folder = json.loads(sys.argv[1])
found = run_search(
    SearchParams.model_validate_json(json.dumps(search)),
    TrainingParams.model_validate_json(json.dumps(training)),
    7, Local(Waiting(Path(folder)), ()), StudyPlace(Path(folder) / "studies", "toy"),
)
print([trial.attempts for trial in found.trials])
"""


class Searching:
    """A search of two workers in a process of its own, both of whose trials wait."""

    def __init__(
        self, params: SearchParams, training: TrainingParams, root: Path, folder: Path
    ) -> None:
        tree: list[Any] = [params.model_dump(mode="json"), training.model_dump(mode="json")]
        self.objective = Waiting(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps([*tree, str(folder)])],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def end(self, number: signal.Signals) -> tuple[list[psutil.Process], str]:
        self.until(lambda: len(self.objective.noted("waits")) == 2)
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        _, text = self.process.communicate(timeout=PATIENCE)
        return started, text


def gone(processes: list[psutil.Process]) -> bool:
    """Wait until all have ended; one that nobody has buried yet has ended too."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_search_that_is_ended_leaves_no_process_and_goes_on(
    section: Section, training: TrainingParams, root: Path, tmp_path: Path, number: signal.Signals
) -> None:
    params = section(trials=3, workers=2, finalists=ALONE, pruner=NEVER)
    first = Searching(params, training, root, tmp_path)
    started, text = first.end(number)
    assert gone(started)
    if number != signal.SIGKILL:
        assert f"Interrupted: search: ended by {number.name}" in text
        assert len(first.objective.noted("saved")) == 2, "all were told to save"
    (tmp_path / "go").touch()
    again = Searching(params, training, root, tmp_path).process
    out, text = again.communicate(timeout=PATIENCE)
    assert out == "[2, 2, 1]\n", text
