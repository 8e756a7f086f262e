"""In: figures. Out: words and geometry that a person reads rightly."""

from __future__ import annotations

import numpy as np
import pytest

from components.counts import label_table
from components.gate import charts, words

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "points", "+1.2 points"),
        (-0.0123, "points", f"{MINUS}1.2 points"),
        (0.0, "points", "0 points"),
        (0.01, "loss", "1.0 points"),
        (0.5, "share", "0.500"),
        (0.04, "p", "p = 0.040"),
        (0.00004, "p", "p < 0.001"),
        (1.5, "ratio", "1.50 \N{MULTIPLICATION SIGN}"),
        (1234, "count", "1,234"),
        (3e-06, "unheard of", f"3e{MINUS}06"),
        (None, "ms", "\N{EN DASH}"),
    ],
)
def test_figures_read_as_people_write_them(value: float | None, unit: str, text: str) -> None:
    assert words.figure(value, unit) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.0004, "< 1 %"), (0.25, "25 %"), (0.9996, "> 99 %"), (1.0, "100 %")],
)
def test_only_all_is_a_hundred_per_cent_and_only_nothing_is_none(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_interval_that_lacks_an_end_is_not_written() -> None:
    assert words.bounds([-0.012, 0.004], "points") == f"{MINUS}1.2 to +0.4"
    assert words.bounds([None, 0.4]) == words.bounds(None) == ""


def test_change_of_a_text_is_its_new_words_in_their_places() -> None:
    pieces = words.changed("where is my parcel", "where iz my parcel now")
    assert "".join(piece for _, piece in pieces) == "where iz my parcel now"
    assert [piece.strip() for other, piece in pieces if other] == ["iz", "now"]


def test_numbers_lie_on_their_scale_in_order_and_beyond_it_at_its_end() -> None:
    scale = charts.scale([-0.02, 0.0, 0.04, None, float("nan")])
    places = [scale.at(value) for value in (-0.02, 0.0, 0.04)]
    assert 0 < places[0] < places[1] < places[2] < 100
    assert scale.at(-9.0) == 0
    assert not scale.within(-9.0)
    assert 0 in scale.ticks
    assert len(scale.ticks) <= 7
    assert all(scale.within(tick) for tick in scale.ticks)


def test_scale_of_one_number_or_of_none_still_has_a_width() -> None:
    for values in ([0.0, 0.0], [], [None]):
        scale = charts.scale(values)
        assert scale.low < scale.high
        assert scale.ticks


def test_confusion_names_the_pairs_that_either_model_mixes_up_most() -> None:
    own, their = [[8, 2, 0], [0, 5, 5], [0, 0, 0]], [[1, 0, 9], [0, 10, 0], [0, 0, 0]]
    found = charts.mixed_up(["a", "b", "c"], own, their, 2)
    assert [(m["gold"], m["answer"], m["own"], m["their"]) for m in found] == [
        ("a", "c", 0, 9),
        ("b", "c", 5, 0),
    ]


def test_f1_by_label_is_that_of_the_counts_and_none_where_there_is_nothing() -> None:
    gold, answers = np.repeat([0, 0, 1], [8, 2, 5]), np.repeat([0, 1, 1], [8, 2, 5])
    rows = charts.by_label(label_table(["a", "b", "c"], gold, answers), [])
    assert [row["own"] for row in rows] == [pytest.approx(16 / 18), pytest.approx(10 / 12), None]
    assert [row["rows"] for row in rows] == [10, 5, 0]


def test_matrix_of_many_labels_is_drawn_in_few_paths_without_numbers() -> None:
    counts = [[2 if r == c else 1 for c in range(77)] for r in range(77)]
    found = charts.matrix(counts)
    assert len(found["paths"]) == 2
    assert found["cells"] == found["numbers"] == []
    assert len(charts.matrix([[3, 1], [0, 2]])["cells"]) == 3
