from __future__ import annotations

from typing import Literal

import pytest

from components.training.schedule import rate_share

Decay = Literal["linear", "cosine"]


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 7, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
def test_rate_rises_then_falls_and_every_step_learns(
    decay: Decay, steps: int, warmup: float
) -> None:
    shares = [rate_share(step, steps, warmup, decay) for step in range(steps)]
    peak = shares.index(max(shares))
    assert max(shares) == 1.0
    assert min(shares) > 0
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)
    assert peak <= warmup * steps


def test_shapes_of_the_decay() -> None:
    assert rate_share(50, 100, 0.0, "linear") == 0.5
    assert rate_share(50, 100, 0.0, "cosine") == pytest.approx(0.5)
    assert rate_share(25, 100, 0.0, "cosine") == pytest.approx(0.8536, abs=1e-4)
    assert rate_share(4, 100, 0.1, "linear") == 0.5
