"""In: recorded curves. Out: the benchmark of search replays them as they are, and finds misses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.search import LIMITS, Pauses, compute_share, show
from benchmarks.search_policies import (
    POLICIES,
    RANDOM,
    RECORDED,
    Policy,
    Replay,
    load_pool,
    sections,
    spent,
)
from components.search import Inline, StudyPlace, run_search


def test_a_recorded_training_is_replayed_to_the_example_and_between_two_nothing_is_invented() -> (
    None
):
    pool = load_pool()
    rows = pool.about["validation"]
    for curve in pool.curves:
        assert pool.scores(curve) == pytest.approx(curve["scores"], abs=0.5 / rows)
    one, two = (
        next(c for c in pool.curves if c["learning_rate"] == rate and c["batch_size"] == 16)
        for rate in sorted({c["learning_rate"] for c in pool.curves})[4:6]
    )
    between = pool.scores(one | {"learning_rate": (one["learning_rate"] * 1.3)})
    for low, high, found in zip(one["scores"], two["scores"], between, strict=True):
        assert min(low, high) - 1 / rows <= found <= max(low, high) + 1 / rows


@pytest.mark.parametrize("path", sorted(RECORDED.glob("curves_*.json")), ids=lambda p: p.stem)
def test_what_is_spent_is_a_share_of_the_random_trainings(path: object) -> None:
    pool = load_pool(path)  # type: ignore[arg-type]
    found = spent(pool, Policy("few", "random", 1, {"kind": "median"}), range(3))
    least = 1 / RANDOM / pool.epochs
    assert all(least <= share <= 1 + least * pool.epochs for share in found.shares)
    assert found.missed == sum(share >= 1 for share in found.shares) / 3
    again = spent(pool, Policy("few", "random", 1, {"kind": "median"}), range(3))
    assert again.shares == found.shares


def test_figure_is_that_of_what_params_yaml_ships_on_the_data_that_suit_it_least(
    params_tree: dict[str, Any],
) -> None:
    search, _ = sections(load_pool(), POLICIES[0], 60)
    shipped = params_tree["search"]
    assert (search.sampler, search.pruner.kind) == (shipped["sampler"], shipped["pruner"]["kind"])
    shares = {
        data: {
            policy.name: {"median": median}
            for policy, median in zip(POLICIES, medians, strict=True)
        }
        for data, medians in {"one": (0.2, 0.1, 0.4, 0.9), "other": (0.3, 0.1, 0.4, 0.9)}.items()
    }
    assert compute_share(shares) == 0.3


def test_what_it_is_held_against_prunes_nothing_and_asks_no_model(tmp_path: Path) -> None:
    pool = load_pool()
    params, training = sections(pool, POLICIES[-1], 4 * pool.epochs)
    draws = []
    for seed in (1, 2):
        place = StudyPlace(tmp_path, f"by lot {seed}")
        found = run_search(params, training, seed, Inline(Replay(pool, 2.0)), place)
        assert [trial.epochs for trial in found.trials] == [pool.epochs] * 4
        draws.append([dict(trial.values) for trial in found.trials[1:]])
    assert params.sampler == "random"
    assert draws[0] != draws[1]


@pytest.mark.slow
def test_ours_finds_in_less_than_half_of_what_a_search_by_lot_spends() -> None:
    """Of these two seeds; how often and by how much is the benchmark's to say."""
    pool, seeds = load_pool(), (0, 3)
    ours, by_lot = (spent(pool, policy, seeds) for policy in (POLICIES[0], POLICIES[-1]))
    for one, other in zip(ours.shares, by_lot.shares, strict=True):
        assert one < other / 2


def test_pause_begins_with_the_last_score_and_ends_where_the_first_step_begins() -> None:
    pauses = Pauses(rows=10)
    step = SimpleNamespace(number=1, examples_per_second=5.0)
    pauses.on_step(0, 0, step)
    pauses.on_epoch(0, 0, 1, 0.5)
    pauses.on_step(1, 0, SimpleNamespace(number=2, examples_per_second=5.0))
    assert pauses.seconds == []
    pauses.on_step(1, 0, step)
    assert pauses.seconds == [pytest.approx(-2.0, abs=0.5)], "the step took all of the time"


def test_figure_beyond_its_limit_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(LIMITS) == []
    assert show({"compute_share": 0.26, "two_workers": 1.89, "pause_seconds": 0.9}) == [
        "compute_share",
        "two_workers",
    ]
    assert "missed" in capsys.readouterr().out
