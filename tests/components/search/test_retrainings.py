from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import IntegrityError
from components.params import SearchParams, TrainingParams
from components.search import Inline, Report, Retraining, SearchWatch, StudyPlace, run_search
from components.search.retrainings import FILE
from tests.components.search.objectives import FINALISTS, noisy, recorder

Section = Callable[..., SearchParams]


def test_a_later_call_goes_on_where_the_minutes_ended(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    short = section(trials=3, finalists=FINALISTS | {"minutes": 1e-9})
    assert run_search(short, training, 7, Inline(objective), place).best.spread is None
    whole = section(trials=3, finalists=FINALISTS)
    found = run_search(whole, training, 7, Inline(objective), place)
    assert len(calls) == 3 + 4
    assert run_search(whole, training, 7, Inline(objective), place) == found
    assert len(calls) == 3 + 4, "nothing is trained twice"


def test_more_seeds_and_more_finalists_go_on_with_what_is_there(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    told: list[Retraining] = []
    watch = SearchWatch(on_retrained=told.append)
    for asked in ({"trials": 1, "seeds": 1}, {"trials": 2, "seeds": 1}, {"trials": 2, "seeds": 3}):
        params = section(trials=3, finalists=FINALISTS | asked)
        found = run_search(params, training, 7, Inline(objective), place)
    assert len(calls) == 3 + 1 + 1 + 4
    assert len({(given.model_dump_json(), seed) for given, seed in calls}) == len(calls)
    fewer = run_search(
        section(trials=3, finalists=FINALISTS | {"seeds": 1}),
        training,
        7,
        Inline(objective),
        place,
        watch,
    )
    assert [f.scores for f in fewer.finalists] == [f.scores[:2] for f in found.finalists]
    assert len(told) == 6, "a search that goes on tells of all that ended before"


def test_interrupted_retraining_is_done_again_with_the_same_seed(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    params = section(trials=3, finalists=FINALISTS)
    whole = run_search(params, training, 7, Inline(noisy), StudyPlace(place.folder, "whole"))
    stop = True

    def fragile(given: TrainingParams, seed: int, report: Report) -> float:
        if stop and len(calls) == 5:
            raise KeyboardInterrupt
        return noisy(given, seed, report)

    calls, objective = recorder(fragile)
    with pytest.raises(KeyboardInterrupt):
        run_search(params, training, 7, Inline(objective), place)
    stop = False
    found = run_search(params, training, 7, Inline(objective), place)
    assert calls[4] == calls[5]
    assert len(calls) == 3 + 4 + 1
    assert found.finalists == whole.finalists


KILLED = """
import json, os, signal, sys
from pathlib import Path
from components.params import SearchParams, TrainingParams
from components.search import Inline, StudyPlace, run_search
search, training, folder, log = json.loads(sys.argv[1])
def objective(given, seed, report):
    with open(log, "a") as file:
        print(given.learning_rate, seed, file=file)
    report(1, 0.5)
    if len(open(log).readlines()) in (5, 6):
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5 + given.dropout + seed % 10 / 100
run_search(
    SearchParams.model_validate_json(json.dumps(search)),
    TrainingParams.model_validate_json(json.dumps(training)),
    7, Inline(objective), StudyPlace(Path(folder), "toy"),
)
"""


def test_finalists_killed_again_and_again_train_exactly_as_often_as_asked(
    section: Section, training: TrainingParams, place: StudyPlace, root: Path, tmp_path: Path
) -> None:
    params, log = section(trials=3, finalists=FINALISTS), tmp_path / "calls"
    tree: list[Any] = [params.model_dump(mode="json"), training.model_dump(mode="json")]
    arguments = json.dumps([*tree, str(place.folder), str(log)])
    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLED, arguments],
            cwd=root,
            env=os.environ,
            check=False,
            timeout=120,
        ).returncode
        for _ in range(3)
    ]
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    calls = log.read_text(encoding="utf-8").split("\n")[:-1]
    assert calls[4] == calls[5] == calls[6]
    assert len(calls) == 3 + 4 + 2
    assert len(set(calls)) == 3 + 4


def test_half_a_line_of_a_killed_process_is_trained_again(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    calls, objective = recorder(noisy)
    params = section(trials=3, finalists=FINALISTS)
    found = run_search(params, training, 7, Inline(objective), place)
    file = place.folder / place.name / FILE
    file.write_bytes(file.read_bytes()[:-9])
    assert run_search(params, training, 7, Inline(objective), place).finalists == found.finalists
    assert len(calls) == 3 + 4 + 1


@pytest.mark.parametrize("garbage", [b"\x00no json\n", b'{"trial": 0}\n', b"[1]\n", b"7\n"])
def test_record_that_cannot_be_read_is_refused_with_the_cure(
    section: Section, training: TrainingParams, place: StudyPlace, garbage: bytes
) -> None:
    params = section(trials=1, finalists=FINALISTS)
    run_search(params, training, 7, Inline(noisy), place)
    (place.folder / place.name / FILE).write_bytes(garbage)
    with pytest.raises(IntegrityError, match="no record that can be read") as caught:
        run_search(params, training, 7, Inline(noisy), place)
    assert "delete" in caught.value.cure


def test_what_another_study_left_is_not_taken_for_this_ones(
    section: Section, training: TrainingParams, place: StudyPlace
) -> None:
    params = section(trials=2, finalists=FINALISTS)
    run_search(params, training, 7, Inline(noisy), place)
    (place.folder / place.name / "journal.log").unlink()
    calls, objective = recorder(noisy)
    other = training.model_copy(update={"learning_rate": 2e-3})
    found = run_search(params, other, 7, Inline(objective), place)
    zero = next(f for f in found.finalists if f.trial == 0)
    seeds = [seed for given, seed in calls if given.learning_rate == 2e-3]
    assert len(seeds) == 3
    assert len(zero.scores) == 3
