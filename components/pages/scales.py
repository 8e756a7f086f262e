"""In: numbers. Out: where they lie on a line, and round numbers to read it by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from components.pages.words import MINUS, number

# Share of the scale that stays empty at each end.
AIR: Final = 0.06
TICKS: Final = 6
STEPS: Final = (1, 2, 2.5, 5, 10)
WHOLE: Final = 100.0
# Round numbers between two powers of ten, and how many powers there may be to have them.
FINE: Final[tuple[tuple[int, ...], ...]] = ((1, 2, 5), (1, 3), (1,))
LEAST_TICKS: Final = 3


@dataclass(frozen=True)
class Scale:
    """A line of numbers, as per cent of its width.

    Attributes:
        low: the number at its left end.
        high: the number at its right end.
        log: equal ratios, not equal differences, are equally wide; both ends are above 0 then.
    """

    low: float
    high: float
    log: bool = False

    def at(self, value: float | None) -> float:
        """Return where a number lies; beyond an end it is that end."""
        if value is None:
            return 0.0
        if self.log:
            if value <= 0:
                return 0.0
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(WHOLE * min(1.0, max(0.0, share)), 2)

    def up(self, value: float | None) -> float:
        """Return where a number lies on a line that is drawn upwards, from the top."""
        return round(WHOLE - self.at(value), 2)

    def within(self, value: float | None) -> bool:
        """Return whether a number lies on the line."""
        return value is not None and self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """Return round numbers on the line, six or so at most."""
        return self._powers() if self.log else self._even()

    @property
    def told(self) -> list[tuple[float, str]]:
        """Return the ticks with their texts, which have equally many decimals."""
        if self.log:
            return [(tick, number(tick)) for tick in self.ticks]
        decimals = max((len(f"{t:.12g}".partition(".")[2]) for t in self.ticks), default=0)
        return [(tick, f"{tick:.{decimals}f}".replace("-", MINUS)) for tick in self.ticks]

    def _even(self) -> list[float]:
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * each for each in STEPS if power * each >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(index * step, 12) for index in range(first, last + 1)]

    def _powers(self) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for factors in FINE:
            found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            found = [float(f"{tick:.12g}") for tick in found if self.within(tick)]
            if len(found) <= TICKS:
                break
        # Within one power of ten there is hardly a round one: even steps serve better.
        return found if len(found) >= LEAST_TICKS else self._even()


def scale(values: Iterable[float | None], *, log: bool = False) -> Scale:
    """Return a line on which all these numbers lie, with some air at its ends.

    Args:
        values: those that are None, or no finite number, are left aside.
        log: make it logarithmic; numbers that are not above 0 are left aside then.
    """
    found = [value for value in values if value is not None and math.isfinite(value)]
    if log:
        powers = scale(math.log10(value) for value in found if value > 0)
        return Scale(10.0**powers.low, 10.0**powers.high, log=True)
    low, high = min(found, default=0.0), max(found, default=1.0)
    if high - low < 1e-9:  # noqa: PLR2004 - one number alone
        low, high = low - 0.01, high + 0.01
    air = AIR * (high - low) / (1 - 2 * AIR)
    return Scale(low - air, high + air)
