"""In: nothing. Out: searches that were never run, for what is made of their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.params import load_params
from components.params.sections import SearchParams
from components.search import About, Finalist, Retraining, Searched, Trial
from components.search.copies import Ablation
from components.search.jobs import Arm
from components.search.pruning import Cut

SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True, "step": None},
    "dropout": {"low": 0.0, "high": 0.4, "log": False, "step": 0.1},
    "decay": {"choices": ["linear", "cosine"]},
}
EPOCHS = 4


def about(**values: Any) -> About:
    params = load_params(Path(__file__).resolve().parents[3] / "params.yaml")
    tree = params.search.model_dump(mode="json") | {"space": SPACE, "epochs": EPOCHS} | values
    search = SearchParams.model_validate_json(json.dumps(tree))
    return About("toy", "macro_f1", search, params.training, 100)


def values(number: int) -> dict[str, Any]:
    return {
        "learning_rate": 1e-5 * (number + 1),
        "dropout": number % 5 / 10,
        "decay": ("linear", "cosine")[number % 2],
    }


def complete(number: int, score: float, **more: Any) -> Trial:
    scores = {epoch: score * (4 + epoch) / 8 for epoch in range(1, EPOCHS + 1)}
    return Trial(number, "complete", values(number), score, scores, 8.0, 1, None, **more)


def pruned(number: int, score: float, bound: float, rule: str = "the median") -> Trial:
    cut = Cut(2, 0, score, bound, rule, 3)
    scores = {1: score / 2, 2: score}
    return Trial(number, "pruned", values(number), score, scores, 4.0, 1, cut.reason, cut)


def failed(number: int, reason: str, attempts: int = 1) -> Trial:
    return Trial(number, "failed", values(number), None, {}, 1.0, attempts, reason)


def again(trial: int, round_: int, score: float) -> Retraining:
    scores = dict.fromkeys(range(1, EPOCHS + 1), score)
    return Retraining(trial, values(trial), round_, score, scores, 8.0, None)


def small(**more: Any) -> Searched:
    """Three complete trials, of which the last is the luckiest and the default the best."""
    trials = (complete(0, 0.80), complete(1, 0.70), complete(2, 0.82))
    finalists = (Finalist(2, (0.82, 0.78, 0.79), None), Finalist(0, (0.80, 0.81, 0.80), None))
    return Searched("toy-1", trials, {}, finalists, **more)


def mixed(count: int = 12) -> Searched:
    """Trials of every end; trial 3 wins."""
    trials: list[Trial] = [complete(0, 0.80), failed(1, "loss is nan at step 7", 3)]
    trials += [complete(2, 0.83), complete(3, 0.85, origin="toy-0/7", memory=300_000_000)]
    trials += [pruned(number, 0.3 + number / 1000, 0.61234) for number in range(4, count)]
    finalists = (Finalist(3, (0.85, 0.84, 0.86), None), Finalist(2, (0.83, 0.82, 0.84), None))
    further = tuple(again(t, r, 0.84) for t in (3, 2) for r in (1, 2))
    shares = {"learning_rate": 0.7, "dropout": 0.3}
    return Searched("toy-1", tuple(trials), shares, finalists, further)


def ablation(**more: Any) -> Ablation:
    """Copies that are half a point better, and may as well be half a point worse."""
    with_, without = (0.84, 0.85), (0.835, 0.845)
    trainings = tuple(
        again(3, Arm(side, seed).round, scores[seed - 1])
        for side, scores in ((True, with_), (False, without))
        for seed in (1, 2)
    )
    told: dict[str, Any] = {
        "verdict": "off",
        "trial": 3,
        "rows": 111,
        "copies": 11,
        "with_scores": with_,
        "without_scores": without,
        "low": -0.005,
        "high": 0.015,
        "confidence": 0.95,
        "deviation": 0.007,
        "reason": None,
        "trainings": trainings,
    }
    return Ablation(**told | more)
