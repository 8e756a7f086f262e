"""In: trials. Out: pictures in which a place means what it says."""

from __future__ import annotations

import dataclasses
import itertools
import re

from components.search import charts
from tests.components.search import found

MIXED = found.mixed(30)
WINNER = MIXED.best


def test_better_scores_lie_higher_and_later_trials_further_right() -> None:
    dots = {
        d["trial"].number: d for d in charts.history(MIXED.trials, MIXED.finalists, WINNER)["dots"]
    }
    assert dots[3]["y"] < dots[2]["y"] < dots[0]["y"]
    assert dots[0]["x"] < dots[2]["x"] < dots[29]["x"]


def test_best_so_far_never_falls() -> None:
    best = charts.history(MIXED.trials, MIXED.finalists, WINNER)["best"]
    heights = [float(y) for y in re.findall(r"V([\d.]+)", best)]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 2


def test_few_bad_scores_do_not_stretch_the_line() -> None:
    line = charts.score_scale([0.80, 0.81, 0.82, 0.83, 0.01])
    assert line.low > 0.7
    assert line.within(0.80)


def test_score_that_must_be_seen_is_on_the_line_however_bad() -> None:
    assert charts.score_scale([0.80, 0.81, 0.82, 0.83], [0.1]).within(0.1)


def test_dot_below_the_picture_is_marked_as_such() -> None:
    dots = charts.history(MIXED.trials, MIXED.finalists, WINNER)["dots"]
    assert [d["below"] for d in dots if d["trial"].state == "pruned"] == [True] * 26
    assert all(d["y"] == 100 for d in dots if d["below"])


def test_curve_has_a_point_for_each_epoch_and_the_winner_s_lies_on_top() -> None:
    drawn = charts.curves(MIXED.trials, MIXED.finalists, WINNER.trial)
    assert drawn is not None
    lines = {line["trial"].number: line for line in drawn["lines"]}
    assert 1 not in lines  # failed before its first epoch
    assert len(re.findall("[ML]", lines[0]["d"])) == 4
    assert len(re.findall("[ML]", lines[5]["d"])) == 2
    assert drawn["lines"][-1]["kind"] == "winner"
    assert charts.curves([found.failed(0, "nan")], (), 0) is None


def test_one_epoch_is_a_point_in_the_middle() -> None:
    trial = found.complete(0, 0.5)
    short = charts.curves([dataclasses.replace(trial, scores={1: 0.5})], (), 0)
    assert short is not None
    assert short["lines"][0]["x"] == 50


def test_way_of_a_trial_crosses_every_axis_in_order_and_a_failed_one_has_no_score() -> None:
    drawn = charts.parallel(MIXED.trials, found.about().params, WINNER.trial)
    assert [axis["name"] for axis in drawn["axes"]] == [
        "learning_rate",
        "dropout",
        "decay",
        "score",
    ]
    ways = {line["trial"].number: points(line["d"]) for line in drawn["lines"]}
    assert [y for _, y in ways[3]] == [axis["y"] for axis in drawn["axes"]]
    assert len(ways[1]) == 3
    assert all(0 <= x <= 100 for way in ways.values() for x, _ in way)
    assert drawn["lines"][-1]["kind"] == "winner"


def test_equal_ratios_are_equally_far_on_a_logarithmic_axis() -> None:
    trials = [
        dataclasses.replace(
            found.complete(n, 0.5 + n / 100), values=found.values(n) | {"learning_rate": rate}
        )
        for n, rate in enumerate((1e-4, 1e-3, 1e-2))
    ]
    drawn = charts.parallel(trials, found.about().params, 2)
    places = sorted(points(line["d"])[0][0] for line in drawn["lines"])
    assert abs((places[1] - places[0]) - (places[2] - places[1])) < 0.05


def test_trials_with_the_same_choice_are_set_apart_within_its_place() -> None:
    drawn = charts.parallel(MIXED.trials, found.about().params, WINNER.trial)
    sides: dict[str, list[float]] = {"linear": [], "cosine": []}
    for line in drawn["lines"]:
        sides[line["trial"].values["decay"]].append(points(line["d"])[2][0])
    assert all(len(set(places)) == len(places) for places in sides.values())
    assert max(sides["linear"]) < 50 < min(sides["cosine"])


def test_better_trials_have_the_stronger_shade() -> None:
    drawn = charts.parallel(MIXED.trials, found.about().params, WINNER.trial)
    shades = {line["trial"].number: line["shade"] for line in drawn["lines"]}
    scores = {t.number: t.score for t in MIXED.trials if t.score is not None}
    for one, other in itertools.combinations(scores, 2):
        if scores[one] < scores[other]:
            assert shades[one] <= shades[other]


def points(path: str) -> list[tuple[float, float]]:
    pairs = re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path)
    return [(float(x), float(y)) for x, y in pairs]
