"""In: a search that was ended somewhere and started again. Out: what it would have come to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.params import SearchParams, TrainingParams
from components.search import Inline, Report, StudyPlace, run_search
from tests.components.search.objectives import distance, values

Section = Callable[..., SearchParams]


def test_other_errors_end_the_search_and_the_trial_is_run_again(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    whole = run_search(
        section(trials=4), training, 7, Inline(distance), StudyPlace(place.folder, "unbroken")
    )
    calls = []

    def fragile(given: TrainingParams, seed: int, report: Report) -> float:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return distance(given, seed, report)

    with pytest.raises(KeyboardInterrupt):
        run_search(section(trials=4), training, 7, Inline(fragile), place)
    searched = run_search(section(trials=4), training, 7, Inline(fragile), place)
    assert calls[2] == calls[3]
    assert len(calls) == 5
    assert values(searched.trials) == values(whole.trials)
    assert [trial.attempts for trial in searched.trials] == [1, 1, 2, 1]


def test_resumed_search_does_not_repeat_its_draws(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    for trials in (2, 4, 6):
        searched = run_search(section(trials=trials), training, 7, Inline(distance), place)
    rates = {trial.values["learning_rate"] for trial in searched.trials}
    assert len(rates) == 6


KILLED = """
import json, os, signal, sys
from pathlib import Path
from components.params import SearchParams, TrainingParams
from components.search import Inline, StudyPlace, run_search
search, training, folder = json.loads(sys.argv[1])
calls = []
def objective(given, seed, report):
    calls.append(given)
    report(1, 0.5)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5 + given.dropout
run_search(
    SearchParams.model_validate_json(json.dumps(search)),
    TrainingParams.model_validate_json(json.dumps(training)),
    7, Inline(objective), StudyPlace(Path(folder), "toy"),
)
"""


def test_search_killed_again_and_again_reaches_exactly_the_asked_number(
    section: Section, training: TrainingParams, place: StudyPlace, root: Path
) -> None:
    params = section(trials=4)
    arguments = [params.model_dump(mode="json"), training.model_dump(mode="json")]
    command = [sys.executable, "-c", KILLED, json.dumps([*arguments, str(place.folder)])]
    for _ in range(2):
        killed = subprocess.run(command, cwd=root, env=os.environ, check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL

    def objective(given: TrainingParams, _: int, report: Report) -> float:
        report(1, 0.5)
        return 0.5 + given.dropout

    searched = run_search(params, training, 7, Inline(objective), place)
    undisturbed = run_search(
        params, training, 7, Inline(objective), StudyPlace(place.folder, "whole")
    )
    assert [trial.attempts for trial in searched.trials] == [1, 2, 2, 1]
    assert values(searched.trials) == values(undisturbed.trials)
    assert searched.best_trial.values == undisturbed.best_trial.values


def test_values_that_earlier_attempts_reported_are_kept_and_judged_once(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    """A trial whose checkpoint is gone tells its epochs again; the study holds each once."""
    calls: list[int] = []

    def fragile(given: TrainingParams, _: int, report: Report) -> float:
        calls.append(1)
        for epoch in range(1, given.epochs + 1):
            report(epoch, epoch / 10)
            if epoch == 2 and len(calls) == 1:
                raise KeyboardInterrupt
        return 0.5

    params = section(trials=1)
    with pytest.raises(KeyboardInterrupt):
        run_search(params, training, 7, Inline(fragile), place)
    (trial,) = run_search(params, training, 7, Inline(fragile), place).trials
    assert trial.scores == {1: 0.1, 2: 0.2, 3: 0.3}
    assert trial.attempts == 2
