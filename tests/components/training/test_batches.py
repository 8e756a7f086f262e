from __future__ import annotations

import numpy as np
import pytest

from components.training.batches import (
    length_batches,
    micro_batches,
    sorted_batches,
    token_batches,
    token_bounds,
)

LENGTHS = np.random.default_rng(0).lognormal(2.7, 0.5, 1003).astype(np.int64) + 2


def epoch(seed: int = 0) -> list[np.ndarray]:
    return length_batches(LENGTHS, 32, np.random.default_rng(seed))


def test_every_row_comes_once_per_epoch() -> None:
    assert sorted(np.concatenate(epoch())) == list(range(len(LENGTHS)))


def test_batches_are_full_but_for_one() -> None:
    sizes = sorted(len(batch) for batch in epoch())
    assert sizes == [1003 % 32, *[32] * (1003 // 32)]


def test_short_batch_is_not_always_the_longest_rows() -> None:
    shorts = {min(epoch(seed), key=len)[0] for seed in range(8)}
    assert len({int(LENGTHS[row]) for row in shorts}) > 3


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Return the share of padding among all tokens that the batches compute."""
    computed = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1.0 - int(lengths.sum()) / computed


def test_padding_nearly_vanishes() -> None:
    lengths = np.random.default_rng(0).lognormal(2.7, 0.5, 10_000).astype(np.int64) + 2
    generator = np.random.default_rng(0)
    random = np.array_split(generator.permutation(len(lengths)), len(lengths) // 32)
    assert padding_share(lengths, random) > 0.4
    assert padding_share(lengths, length_batches(lengths, 32, generator)) < 0.015


def test_epoch_depends_on_the_seed_alone() -> None:
    first, again, other = epoch(1), epoch(1), epoch(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert {tuple(sorted(b)) for b in first} != {tuple(sorted(b)) for b in other}


def test_batches_do_not_come_in_order_of_length() -> None:
    means = [LENGTHS[batch].mean() for batch in epoch()]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.6


@pytest.mark.parametrize("rows", [1, 31, 32, 33])
def test_few_rows_make_no_empty_batch(rows: int) -> None:
    for batches in (
        length_batches(LENGTHS[:rows], 32, np.random.default_rng(0)),
        sorted_batches(LENGTHS[:rows], 32),
    ):
        assert sorted(np.concatenate(batches)) == list(range(rows))
        assert min(len(batch) for batch in batches) > 0


def test_micro_batches_are_never_empty() -> None:
    assert [len(part) for part in micro_batches(np.arange(10), 4)] == [3, 3, 2, 2]
    assert [len(part) for part in micro_batches(np.arange(2), 4)] == [1, 1]


@pytest.mark.parametrize("tokens", [64, 512, 4096])
def test_batches_by_tokens_keep_to_the_budget_and_hold_every_row_once(tokens: int) -> None:
    batches = token_batches(LENGTHS, tokens, np.random.default_rng(0))
    assert sorted(np.concatenate(batches)) == list(range(len(LENGTHS)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * int(LENGTHS[batch].max()) <= tokens
    assert len(batches) == len(token_bounds(LENGTHS, tokens)) - 1


def test_batches_by_tokens_hold_next_to_no_padding() -> None:
    lengths = np.random.default_rng(0).lognormal(2.7, 0.5, 10_000).astype(np.int64) + 2
    batches = token_batches(lengths, 512, np.random.default_rng(0))
    assert padding_share(lengths, batches) < 0.015


def test_batches_by_tokens_are_full_but_for_the_one_of_the_shortest_rows() -> None:
    batches = token_batches(LENGTHS, 512, np.random.default_rng(0))
    last = max(batches, key=lambda batch: -int(LENGTHS[batch].max()))
    for batch in batches:
        if batch is not last:
            assert (len(batch) + 1) * int(LENGTHS[batch].max()) > 512


def test_number_of_batches_by_tokens_does_not_depend_on_the_draw() -> None:
    drawn = [token_batches(LENGTHS, 512, np.random.default_rng(seed)) for seed in range(4)]
    assert len({len(batches) for batches in drawn}) == 1
    assert {tuple(sorted(b)) for b in drawn[0]} != {tuple(sorted(b)) for b in drawn[1]}


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    lengths = np.array([100, 3, 3, 4], dtype=np.int64)
    batches = token_batches(lengths, 16, np.random.default_rng(0))
    assert [0] in [batch.tolist() for batch in batches]
