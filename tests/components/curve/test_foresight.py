"""A curve whose law is known: answers are right or wrong with the law's chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.curve import About, Foresight, Point, foresee, keep, read_kept, write_page
from components.curve.page import sentence
from components.params.learning import LearningCurveParams
from components.tasks.base import Task, metrics

REST, SCALE, EXPONENT = 0.03, 0.07, 0.5
ALL = 1600


def params(**values: Any) -> LearningCurveParams:
    base: dict[str, Any] = {
        "shares": (0.125, 0.25, 0.5, 1.0),
        "seeds": 2,
        "more": 1000,
        "resamples": 300,
        "confidence": 0.95,
    }
    return LearningCurveParams(**base | values)


def measured(
    task: Task, asked: LearningCurveParams, rows: int = 1200, flat: bool = False, seed: int = 0
) -> tuple[list[Point], list[np.ndarray]]:
    """Answers of trainings whose error follows the law, on rows that are harder or easier."""
    random = np.random.default_rng(seed)
    hardness, gold = random.random(rows), random.integers(0, 3, rows)
    examples, _ = task.from_tokens(list(gold), [])
    points, tallies = [], []
    for share in asked.shares:
        for draw in range(asked.seeds):
            error = REST + SCALE * (1.0 if flat else share) ** -EXPONENT
            wrong = hardness < error * np.exp(0.04 * random.standard_normal())
            logits = np.eye(3)[np.where(wrong, (gold + 1) % 3, gold)]
            score = metrics(task, examples, list(logits))[task.metric]
            points.append(
                Point(share, draw, round(share * ALL), round(share * ALL), score, 3, 3, 1.0)
            )
            tallies.append(task.tallies(examples, list(logits)))
    return points, tallies


def foreseen(task: Task, asked: LearningCurveParams, **how: Any) -> Foresight:
    points, tallies = measured(task, asked, **how)
    groups = np.arange(len(tallies[0]))
    return foresee(asked, points, tallies, task.score, groups, np.random.default_rng(1))


def gain(more: int) -> float:
    return SCALE * (1 - float(((ALL + more) / ALL) ** -EXPONENT))


def test_interval_holds_the_gain_that_the_law_says(task: Task) -> None:
    held = 0
    for seed in range(10):
        found = foreseen(task, params(), seed=seed)
        if found.interval is None:
            continue
        low, high = found.interval
        held += low <= gain(1000) <= high
    assert held >= 7


def test_sentence_names_the_gain_and_how_far_to_believe_it(task: Task) -> None:
    found = foreseen(task, params(), seed=3)
    assert found.gain == pytest.approx(gain(1000), abs=0.015)
    said = sentence(found, "macro_f1")
    assert said.startswith("Another 1,000 labels would buy ")
    assert "points of macro F1 (95 % interval: " in said


def test_flat_curve_is_not_followed(task: Task) -> None:
    found = foreseen(task, params(), flat=True)
    assert found.gain is None
    assert "does not rise by more than chance" in sentence(found, "macro_f1")


def test_more_labels_than_the_curve_reaches_are_refused(task: Task) -> None:
    found = foreseen(task, params(more=10 * ALL))
    assert found.gain is None
    assert "17,600 labels would be more than 4 times the 1,600" in sentence(found, "macro_f1")


def test_two_sizes_make_no_curve(task: Task) -> None:
    found = foreseen(task, params(shares=(0.5, 1.0)))
    assert found.gain is None
    assert "takes 3 numbers of labels" in found.doubts[0]


def test_broken_curve_is_told(task: Task) -> None:
    """With all labels, where there were few mistakes before, there are suddenly many."""
    asked = params()
    points, tallies = measured(task, asked, rows=4000)
    worse = [Point(**{**vars(p), "score": points[0].score}) if p.share == 1 else p for p in points]
    swapped = [tallies[0] if p.share == 1 else t for p, t in zip(points, tallies, strict=True)]
    groups = np.arange(len(tallies[0]))
    found = foresee(asked, worse, swapped, task.score, groups, np.random.default_rng(1))
    assert found.gain is None
    assert any("do worse than the curve" in doubt for doubt in found.doubts)


def test_few_validation_rows_make_wide_intervals(task: Task) -> None:
    few, many = (foreseen(task, params(), rows=rows, seed=2) for rows in (150, 4000))

    def width(found: Foresight) -> float:
        return found.sizes[-1].interval[1] - found.sizes[-1].interval[0]

    assert width(few) > 2 * width(many)


def test_rows_of_one_group_count_as_one(task: Task) -> None:
    asked = params()
    points, tallies = measured(task, asked)
    doubled = [np.concatenate([each, each]) for each in tallies]
    groups = np.tile(np.arange(len(tallies[0])), 2)
    one, two = (
        foresee(asked, points, t, task.score, g, np.random.default_rng(1))
        for t, g in ((tallies, np.arange(len(tallies[0]))), (doubled, groups))
    )
    assert one.sizes[0].interval == pytest.approx(two.sizes[0].interval, abs=2e-3)


def test_page_stands_alone_and_says_what_the_json_says(task: Task, tmp_path: Path) -> None:
    found = foreseen(task, params(), seed=3)
    points, _ = measured(task, params(), seed=3)
    about = About("tickets", task.metric, 1200, 1200, 3)
    said = write_page(found, points, about, tmp_path / "c.html", tmp_path / "c.json")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert said in page
    assert json.loads((tmp_path / "c.json").read_text())["sentence"] == said
    for outside in ("<script", "http://", "https://", "nan"):
        assert outside not in page
    again = tmp_path / "again.html"
    write_page(found, points, about, again, tmp_path / "again.json")
    assert again.read_bytes() == (tmp_path / "c.html").read_bytes()


def test_point_is_kept_and_an_altered_one_is_not_believed(tmp_path: Path) -> None:
    point = Point(0.5, 1, 10, 12, 0.75, 3, 2, 1.5)
    logits = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    assert read_kept(tmp_path / "p") is None
    keep(tmp_path / "p", point, logits)
    kept = read_kept(tmp_path / "p")
    assert kept is not None
    assert kept[0] == point
    assert (kept[1] == logits).all()
    (tmp_path / "p" / "point.json").write_text("{}")
    assert read_kept(tmp_path / "p") is None
