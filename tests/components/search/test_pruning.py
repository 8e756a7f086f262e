"""In: scores drawn by lot. Out: who is given up, held against Optuna's own pruners."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest

from components.params.search import PrunerParams
from components.search.pruning import Curve, Judge, as_json, from_json

EPOCHS, TRIALS, SEEDS = 10, 30, 5
BASE = {"kind": "median", "startup_trials": 0, "warmup_epochs": 0, "reduction": 3}


def judge(**values: Any) -> Judge:
    return Judge(PrunerParams.model_validate(BASE | values), EPOCHS, "toy")


def theirs(kind: str, values: dict[str, Any]) -> optuna.pruners.BasePruner:
    first = max(1, values["warmup_epochs"])
    reduction = values["reduction"]
    if kind == "median":
        return optuna.pruners.MedianPruner(values["startup_trials"], values["warmup_epochs"])
    if kind == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(first, reduction)
    return optuna.pruners.HyperbandPruner(first, EPOCHS, reduction)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("median", {"startup_trials": 3, "warmup_epochs": 2}),
        ("median", {}),
        ("asha", {}),
        ("asha", {"warmup_epochs": 2, "reduction": 2}),
        ("hyperband", {}),
        ("hyperband", {"reduction": 2}),
    ],
)
def test_trials_end_where_they_end_with_optunas_own_pruner(
    seed: int, kind: str, values: dict[str, Any]
) -> None:
    curves = np.random.default_rng(seed).random((TRIALS, EPOCHS)).round(2)
    own = judge(kind=kind, **values)
    study = optuna.create_study(
        study_name="toy", direction="maximize", pruner=theirs(kind, BASE | values)
    )
    found: dict[int, Curve] = {}
    for number, scores in enumerate(curves):
        trial = study.ask()
        known: dict[int, float] = {}
        for epoch, score in enumerate(scores, start=1):
            known[epoch] = float(score)
            found[number] = Curve(dict(known), complete=False)
            trial.report(float(score), epoch)
            asked = trial.should_prune() and epoch < EPOCHS
            cut = own.cut(found, number, epoch)
            assert (cut is not None) == asked, (number, epoch)
            if cut:
                assert (cut.epoch, cut.score < cut.bound) == (epoch, True)
                assert from_json(as_json(cut)) == cut
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            found[number] = Curve(dict(known), complete=True)
            study.tell(trial, float(scores[-1]))
    ended = {curve.complete for curve in found.values()}
    assert ended == {True, False}, "nothing was pruned, or everything"


def test_nothing_is_judged_before_so_many_trials_are_complete_and_so_many_epochs_are_over() -> None:
    good = Curve(dict.fromkeys(range(1, EPOCHS + 1), 0.9), complete=True)
    bad = Curve({1: 0.1, 2: 0.1, 3: 0.1}, complete=False)
    for kind in ("median", "asha"):
        waits = judge(kind=kind, startup_trials=2, warmup_epochs=3)
        assert waits.cut({0: good, 1: bad}, 1, 3) is None
        assert waits.cut({0: good, 1: good, 2: bad}, 2, 2) is None
        cut = waits.cut({0: good, 1: good, 2: bad}, 2, 3)
        assert cut is not None
        assert cut.rung == 0
    assert judge(kind="none").cut({0: good, 1: bad}, 1, 3) is None


def test_reason_names_the_score_the_bound_and_what_it_is() -> None:
    curves = {n: Curve({1: score, 2: score}, n < 4) for n, score in enumerate((0.9, 0.7, 0.8, 0.6))}
    curves[4] = Curve({1: 0.2}, complete=False)
    cut = judge(kind="median").cut(curves, 4, 1)
    assert cut is not None
    assert cut.reason == ("0.2000 after epoch 1 is below 0.7500, the median of 4 complete trials")
    cut = judge(kind="asha").cut(curves, 4, 1)
    assert cut is not None
    assert cut.reason == (
        "0.2000 after epoch 1 is below 0.9000, which the best of 5 reached (1 in 3 goes on)"
    )


def test_last_epoch_is_never_cut() -> None:
    good = Curve(dict.fromkeys(range(1, EPOCHS + 1), 0.9), complete=True)
    bad = Curve(dict.fromkeys(range(1, EPOCHS + 1), 0.1), complete=False)
    for kind in ("median", "asha", "hyperband"):
        assert judge(kind=kind).cut({0: good, 1: good, 2: good, 3: bad}, 3, EPOCHS) is None
