"""In: a step's number. Out: the share of the peak learning rate that it trains with."""

from __future__ import annotations

import math
from typing import Literal


def rate_share(
    step: int, steps: int, warmup_share: float, decay: Literal["linear", "cosine"]
) -> float:
    """Return the factor on the peak rate: up in a straight line, then down to 0.

    The first step already learns, and the rate reaches 0 only after the last one.

    Args:
        step: 0 for the first.
        steps: of the whole training.
        warmup_share: share of `steps` over which the rate rises.
        decay: `linear`, or half a `cosine` wave (Loshchilov and Hutter, arXiv:1608.03983).
    """
    warmup = math.floor(warmup_share * steps)
    if step < warmup:
        return (step + 1) / warmup
    gone = (step - warmup) / max(1, steps - warmup)
    return 1.0 - gone if decay == "linear" else 0.5 * (1.0 + math.cos(math.pi * gone))
