"""In: what the first training took, and what there is. Out: how many may train at once, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from components.search.engines.base import Room
from components.search.objective import DeviceUse

# What stays free: other programs grow too.
SHARE: Final = 0.8
GIB: Final = 2**30


@dataclass(frozen=True)
class Workers:
    """How many train at once.

    Attributes:
        count: at most.
        why: one line, or nothing where it was asked for.
    """

    count: int
    why: str


def choose(
    asked: int | Literal["auto"], trials: int, room: Room, used: tuple[int | None, DeviceUse | None]
) -> Workers | None:
    """Return how many; None when that is still to be measured by a training that runs alone.

    Args:
        asked: params' `workers`.
        trials: that are still to be run.
        room: cores, and memory that is free while nothing trains.
        used: what one training took: bytes of memory, and of an accelerator.
    """
    if asked != "auto":
        return Workers(asked, "")
    memory, device = used
    if memory is None:
        return None
    limits = {
        f"{room.cores} cores": room.cores,
        f"{trials} trials to run": trials,
    }
    free, each = f"{room.memory / GIB:.1f} GiB", f"{memory / GIB:.2f} GiB"
    limits[f"{free} of memory are free and each needs {each}"] = int(
        SHARE * room.memory / max(memory, 1)
    )
    if device:
        there = f"{device.devices} x {device.total / GIB:.0f} GiB"
        limits[f"{there} of device memory and each needs {device.used / GIB:.1f} GiB"] = (
            device.devices * max(1, int(SHARE * device.total / max(device.used, 1)))
        )
    reason = min(limits, key=lambda name: limits[name])
    count = max(1, limits[reason])
    return Workers(count, f"{count} at once: {reason}")
