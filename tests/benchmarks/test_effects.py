from __future__ import annotations

import argparse

import pytest

from benchmarks.effects import PLAIN, WAYS, Row, differences, show, verdict, wanted
from benchmarks.effects_data import SETS
from components.params import TrainingParams

HERE, THERE = "this processor", "a GPU elsewhere"


def row(
    data: str, way: str, seed: int, score: float, seconds: float = 10.0, machine: str = HERE
) -> Row:
    return Row(data, way, seed, score, 4, 1000, seconds, 50.0, machine)


def rows(way: str, *gains: float) -> list[Row]:
    """Both sets with two seeds: the plain scores 0.5 and 0.6, and the way's above them."""
    places = [(data, seed) for data in SETS for seed in range(2)]
    plain = {place: 0.5 + place[1] / 10 for place in places}
    return [
        *(row(data, PLAIN, seed, plain[data, seed]) for data, seed in places),
        *(
            row(data, way, seed, plain[data, seed] + gain, 20.0)
            for (data, seed), gain in zip(places, gains, strict=True)
        ),
    ]


def test_difference_is_taken_within_a_seed() -> None:
    found = rows("3 layers", 0.01, 0.02, -0.01, 0.0)
    assert differences(found, "banking77", "3 layers") == pytest.approx([1.0, 2.0])
    assert differences(found, "twitter", "3 layers") == pytest.approx([-1.0, 0.0])
    unmatched = [r for r in found if (r.way, r.seed) != (PLAIN, 1)]
    assert differences(unmatched, "banking77", "3 layers") == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((0.01, 0.02, 0.01, 0.02), "pays"),
        ((-0.01, -0.02, -0.01, -0.02), "costs"),
        ((0.01, 0.02, 0.01, -0.02), "no clear effect"),
        ((0.01, 0.02, 0.01, 0.0), "no clear effect"),
    ],
)
def test_way_pays_only_when_every_training_says_so(gains: tuple[float, ...], said: str) -> None:
    assert verdict(rows("3 layers", *gains), "3 layers") == said


def test_only_what_is_missing_is_trained() -> None:
    asked = argparse.Namespace(banking77="folder", twitter=None, seeds=2)
    todo = list(wanted(asked, rows("3 layers", 0.0, 0.0, 0.0, 0.0), HERE))
    assert {name for name, _, _ in todo} == {"banking77"}
    assert {way for _, way, _ in todo} == WAYS.keys() - {PLAIN, "3 layers"}
    assert len(todo) == 2 * (len(WAYS) - 2)


def test_difference_is_taken_within_a_machine_whose_plain_recipe_is_trained_when_it_lacks() -> None:
    asked = argparse.Namespace(banking77="folder", twitter=None, seeds=1)
    done = [row("banking77", way, 0, 0.7, machine=THERE) for way in WAYS]
    assert list(wanted(asked, done, HERE)) == []
    done = [each for each in done if each.way != "lora 8"]
    todo = list(wanted(asked, done, HERE))
    assert todo == [("banking77", PLAIN, 0), ("banking77", "lora 8", 0)]
    done += [row("banking77", PLAIN, 0, 0.5), row("banking77", "lora 8", 0, 0.52)]
    assert differences(done, "banking77", "lora 8") == pytest.approx([2.0])
    assert differences(done, "banking77", "3 layers") == pytest.approx([0.0])


def test_table_names_what_did_not_pay(capsys: pytest.CaptureFixture[str]) -> None:
    show(rows("3 layers", -0.01, -0.02, -0.01, -0.02))
    line = next(line for line in capsys.readouterr().out.splitlines() if "3 layers" in line)
    assert "-1.50 (-2.00 to -1.00)" in line
    assert "2.00" in line
    assert line.endswith("costs")


def test_every_way_is_one_that_params_allow(params_tree: dict[str, object]) -> None:
    plain = params_tree["training"]
    assert isinstance(plain, dict)
    for way in WAYS.values():
        TrainingParams.model_validate(plain | dict(way.values))
