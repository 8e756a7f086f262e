"""In: the one seed of params.yaml and the name of its use. Out: an independent stream for it."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *names: object) -> int:
    """Return a 63-bit seed that depends on `seed` and every name, and on nothing else.

    Two uses never share a stream, and adding a use moves no other one's draws.
    """
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return numpy's generator for one named use of the seed."""
    return np.random.default_rng(derive(seed, *names))


def unit_interval(seed: int, *names: object) -> float:
    """Return a number in [0, 1) that is a pure function of its arguments, not of call order."""
    return derive(seed, *names) / 2**63
