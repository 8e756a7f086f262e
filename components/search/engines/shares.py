"""In: the machines of a cluster, and how many train at once. Out: what each of them may take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

# Ray counts accelerators so finely.
PARTS: Final = 10_000


def cores_each(machines: Sequence[float], workers: int) -> int:
    """Return the most cores that a training may take so that all fit at once.

    A training cannot be spread over machines: an even part of all cores may be more than any
    machine has, and nothing would ever start. At least 1, where they do not all fit.

    Args:
        machines: cores of each.
        workers: trainings at once.
    """
    for cores in range(int(max(machines, default=1)), 1, -1):
        if sum(int(each // cores) for each in machines) >= workers:
            return cores
    return 1


def devices_each(devices: float, workers: int) -> float:
    """Return the share of one accelerator that a training may take so that all fit at once.

    Nor can it be spread over accelerators: four trainings on three take half of one each.

    Args:
        devices: of the whole cluster; 0: none.
        workers: trainings at once.
    """
    if devices <= 0:
        return 0.0
    return math.floor(PARTS / math.ceil(workers / devices)) / PARTS
