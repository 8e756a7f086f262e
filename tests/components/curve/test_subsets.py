from __future__ import annotations

import numpy as np

from components.curve import subsets

SHARES = (0.125, 0.5, 1.0)
TARGETS = np.array([0] * 40 + [1] * 16 + [2] * 3)
OWN = np.arange(len(TARGETS))


def test_each_share_lies_within_the_next_of_its_draw() -> None:
    found = subsets(TARGETS, OWN, SHARES, 2, 7)
    for draw in (0, 1):
        small, half, whole = (set(s.rows.tolist()) for s in found if s.draw == draw)
        assert small < half < whole == set(OWN.tolist())


def test_each_label_keeps_its_part_and_none_vanishes() -> None:
    for part in subsets(TARGETS, OWN, SHARES, 2, 7):
        counts = np.bincount(TARGETS[part.rows], minlength=3)
        assert counts.tolist() == [max(1, round(part.share * n)) for n in (40, 16, 3)]
        assert part.labels == counts.sum()


def test_draws_differ_and_repeat() -> None:
    first, second = (subsets(TARGETS, OWN, SHARES, 2, 7) for _ in range(2))
    assert [s.rows.tolist() for s in first] == [s.rows.tolist() for s in second]
    assert set(first[0].rows.tolist()) != set(first[1].rows.tolist())


def test_altered_copies_come_with_their_original_and_cost_no_label() -> None:
    roots = np.array([*range(16), 3, 3, 9])
    for part in subsets(np.array([0, 1] * 8 + [1, 1, 1]), roots, (0.25, 1.0), 3, 1):
        kept = set(part.rows.tolist())
        assert part.labels == round(16 * part.share)
        assert {16, 17} <= kept or not {16, 17} & kept
        assert (18 in kept) == (9 in kept)
        assert (16 in kept) == (3 in kept)


def test_windows_of_a_text_stay_together_and_are_one_label() -> None:
    roots = np.repeat(np.arange(8), 3)
    for part in subsets(np.zeros(24 * 5, dtype=np.int64), roots, (0.25, 1.0), 3, 1):
        assert part.labels == round(8 * part.share)
        assert set(np.bincount(roots[part.rows], minlength=8).tolist()) <= {0, 3}


def test_labels_of_several_dimensions_are_not_told_apart() -> None:
    (half, _) = subsets(np.zeros((20, 3)), np.arange(20), (0.5, 1.0), 1, 7)
    assert half.labels == 10
