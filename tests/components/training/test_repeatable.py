"""In: one search and training, interrupted in different places. Out: one and the same digest."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.params import SearchParams, TrainingParams, overlay
from components.search import Inline, Report, StudyPlace, run_search
from components.tasks.base import Task
from components.training import Epoch, Watch, fit, save

TRIALS, SEEDS = 2, 1
TRAININGS = TRIALS + TRIALS * SEEDS


def test_same_data_params_and_seed_give_the_same_digest_resumed_and_not(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
    params_tree: dict[str, Any],
) -> None:
    finalists = {"trials": TRIALS, "seeds": SEEDS, "minutes": None}
    tree = params_tree["search"] | {"trials": TRIALS, "epochs": 1, "finalists": finalists}
    search = SearchParams.model_validate_json(json.dumps(tree))

    def digest(name: str, stopped: tuple[int, ...]) -> tuple[str, int]:
        """Search, interrupted in the middle of these trainings; then train the winner."""
        begun = 0

        def objective(training: TrainingParams, seed: int, report: Report) -> float:
            nonlocal begun
            begun += 1
            number = begun

            def on_epoch(epoch: Epoch) -> None:
                if number in stopped:
                    raise KeyboardInterrupt
                report(epoch.number, epoch.score)

            return fit(task, training, tiny_encoder, tokens, seed, Watch(on_epoch=on_epoch)).score

        place = StudyPlace(tmp_path / "studies", name)
        for _ in stopped:
            with contextlib.suppress(KeyboardInterrupt):
                run_search(search, section(epochs=1), 7, Inline(objective), place)
        found = run_search(search, section(epochs=1), 7, Inline(objective), place)
        winner = overlay(section(epochs=1), found.best_trial.values, "best.yaml")
        fitted = fit(task, winner, tiny_encoder, tokens, 7)
        return save(fitted, task, tokens, {"id": "toy"}, tmp_path / name), begun

    whole, trained = digest("whole", ())
    assert trained == TRAININGS
    assert digest("again", ()) == (whole, TRAININGS)
    assert digest("trial", (2,)) == (whole, TRAININGS + 1)
    assert digest("finalist", (3, 5)) == (whole, TRAININGS + 2)
