from __future__ import annotations

import pytest

from components.search.engines import Room
from components.search.objective import DeviceUse
from components.search.workers import GIB, Workers, choose

ROOM = Room(cores=8, memory=10 * GIB)


def test_what_was_asked_for_is_taken() -> None:
    assert choose(3, 1, ROOM, (None, None)) == Workers(3, "")


def test_nothing_is_known_before_something_was_measured() -> None:
    assert choose("auto", 9, ROOM, (None, None)) is None


@pytest.mark.parametrize(
    ("trials", "memory", "device", "count", "why"),
    [
        (9, 1 * GIB, None, 8, "8 at once: 8 cores"),
        (9, 2 * GIB, None, 4, "4 at once: 10.0 GiB of memory are free and each needs 2.00 GiB"),
        (9, 99 * GIB, None, 1, "1 at once: 10.0 GiB of memory are free and each needs 99.00 GiB"),
        (3, 1 * GIB, None, 3, "3 at once: 3 trials to run"),
        (
            9,
            GIB // 4,
            DeviceUse(1, 24 * GIB, 8 * GIB),
            2,
            "2 at once: 1 x 24 GiB of device memory and each needs 8.0 GiB",
        ),
        (
            9,
            GIB // 4,
            DeviceUse(4, 24 * GIB, 23 * GIB),
            4,
            "4 at once: 4 x 24 GiB of device memory and each needs 23.0 GiB",
        ),
    ],
)
def test_what_is_scarcest_decides_and_is_told(
    trials: int, memory: int, device: DeviceUse | None, count: int, why: str
) -> None:
    assert choose("auto", trials, ROOM, (memory, device)) == Workers(count, why)
