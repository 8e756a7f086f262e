"""In: how long a text is, and what is read of it at once. Out: windows that hold all of it."""

from __future__ import annotations


def step(room: int, overlap: int) -> int:
    """Return how far each window starts behind the one before.

    Args:
        room: tokens that fit into a window.
        overlap: tokens that neighbours share, at most half of a window's.
    """
    return max(1, room - min(overlap, room // 2))


def windows(tokens: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return from where to where windows reach that together hold all tokens; one if all fit."""
    behind = step(room, overlap)
    starts = range(0, max(1, tokens - room + behind), behind)
    return [(start, min(tokens, start + room)) for start in starts]
