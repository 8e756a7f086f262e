from __future__ import annotations

import numpy as np

from components.curve import roots, subsets

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
    examples = [{"id": f"r{i}", "parent_id": None} for i in range(16)]
    examples += [{"id": f"r{i}-typo", "parent_id": f"r{i}"} for i in (3, 3, 9)]
    found = roots(examples)
    assert found.tolist() == [*range(16), 3, 3, 9]
    for part in subsets(np.array([0, 1] * 8 + [1, 1, 1]), found, (0.25, 1.0), 3, 1):
        kept = set(part.rows.tolist())
        assert part.labels == round(16 * part.share)
        assert {16, 17} <= kept or not {16, 17} & kept
        assert (18 in kept) == (9 in kept)
        assert (16 in kept) == (3 in kept)


def test_copies_without_their_original_share_one_label() -> None:
    assert roots([{"id": "b", "parent_id": "a"}, {"id": "c", "parent_id": "a"}]).tolist() == [0, 0]


def test_labels_of_several_dimensions_are_not_told_apart() -> None:
    (half, _) = subsets(np.zeros((20, 3)), np.arange(20), (0.5, 1.0), 1, 7)
    assert half.labels == 10
