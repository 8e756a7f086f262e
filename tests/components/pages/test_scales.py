"""In: numbers. Out: places on a line, and round numbers to read it by."""

from __future__ import annotations

import pytest

from components.pages import Scale, scale
from components.pages.words import MINUS, duration, number


def test_equal_ratios_are_equally_wide_on_a_logarithmic_line() -> None:
    line = Scale(1e-5, 1e-1, log=True)
    assert [line.at(value) for value in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)] == [0, 25, 50, 75, 100]
    assert line.up(1e-1) == 0


def test_what_has_no_logarithm_lies_at_the_low_end() -> None:
    line = scale([0.0, 1e-4, 1e-2], log=True)
    assert line.at(0.0) == 0
    assert line.within(1e-4)
    assert line.low > 1e-5


@pytest.mark.parametrize(
    "ends", [(1e-5, 1e-2), (1e-12, 1e3), (0.2, 0.5), (3e-4, 4e-4), (1, 64), (5e-5, 5e-4)]
)
def test_logarithmic_lines_have_a_few_round_ticks_that_lie_on_them(
    ends: tuple[float, float],
) -> None:
    line = Scale(*ends, log=True)
    assert 2 <= len(line.ticks) <= 16
    assert all(line.within(tick) for tick in line.ticks)


def test_ticks_are_told_with_equally_many_decimals() -> None:
    texts = [text for _, text in scale([-0.1, 0.15]).told]
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert texts[0].startswith(MINUS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-4, f"3e{MINUS}4"),
        (0.0012345, "0.00123"),
        (16, "16"),
        ("linear", "linear"),
        (0.0, "0"),
        (0.15, "0.15"),
        (-2e-5, f"{MINUS}2e{MINUS}5"),
    ],
)
def test_values_read_as_in_params_yaml(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8.44, "8.4 s"),
        (59.9, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (273600, "3 d 4 h"),
        (None, "\N{EN DASH}"),
    ],
)
def test_times_have_two_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
