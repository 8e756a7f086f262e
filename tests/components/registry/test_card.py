"""In: verdicts and facts. Out: model cards that say what a person asks, limits included."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from components.registry import Facts, model_card
from components.registry.card import DESCRIPTION, SECTION, fitting
from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import bare
from tests.components.gate import samples, samples_against

FACTS = Facts(
    owner="the team <team@x.example>",
    intended_use="Routing requests; not for | advice.",
    licence="CC0-1.0",
    task={"kind": "classification", "labels": list(samples.LABELS)},
    rows={"train": 8116, "validation": 1740, "test": 3080},
    max_length=64,
    origin={"commit": "ab" * 20, "study": "s-1"},
)
HEADINGS = [
    "Intended use",
    "How to load it",
    "How it scored",
    "Limits",
    "Slices",
    "Robustness",
    "Calibration",
    "Data and licence",
    "Lineage",
]


@pytest.mark.parametrize("kind", samples_against.EACH)
def test_card_has_every_part_after_the_verdict(kind: str) -> None:
    verdict = samples_against.EACH[kind]()
    card = model_card(verdict, FACTS)
    assert card.startswith(f"**{verdict['sentence'][:20]}")
    found = [title for title in re.findall("^## (.*)$", card, re.MULTILINE) if title != "Waivers"]
    assert found == HEADINGS
    assert "an encoder for classification of 14 labels" in card
    assert "Licence of the data: CC0-1.0" in card
    assert "ab" * 20 in card


def test_card_gives_intervals_waivers_and_slices_too_small_to_judge() -> None:
    card = model_card(samples_against.hold(), FACTS)
    assert "-1.2 points of macro F1 (-2.6 to +0.2), 131 answers fixed and 168 broken" in card
    assert "size ratio, until 2027-01-31, by R. Okafor: the larger graph" in card
    assert "typo, expired on 2026-09-30, by M. Lindqvist" in card
    assert "too few test examples to judge segment: business" in card
    assert "reads the first 64 tokens" in card
    assert "| accuracy | 0.922 (0.913 to 0.931) | 0.934 (0.925 to 0.944) |" in card


def test_what_people_wrote_stays_text() -> None:
    verdict = samples_against.hold()
    verdict["slices"][0]["value"] = "<img src=x> | [a](b)"
    card = model_card(verdict, FACTS)
    assert not re.search(r"<(?!code|/code)", card)
    assert "](" not in card
    for line in card.splitlines():
        if line.startswith("| channel: &#60;img"):
            assert line.count("|") == 6


def test_card_of_a_version_of_which_little_is_known_says_so() -> None:
    card = model_card(samples.first(), Facts())
    assert "Owner: not stated." in card
    assert "There was no champion to compare it with." in card


def test_card_that_is_too_long_keeps_whole_sections_and_says_where_the_rest_is() -> None:
    verdict = samples_against.big()
    card = model_card(verdict, FACTS)
    text = fitting(card, "The rest is elsewhere.", 4000)
    assert len(card) > 4000 >= len(text)
    assert text.endswith("\n\nThe rest is elsewhere.")
    assert all(section in card for section in text.split(SECTION)[1:-1])
    assert fitting("short", "x", DESCRIPTION) == "short"


def test_limits_are_those_of_the_kind_of_task() -> None:
    def limits(task: dict[str, Any]) -> str:
        return model_card(samples.first(), replace(FACTS, task=task)).partition("## Limits")[2]

    in_windows = limits(options_type("qa").example().stored() | {"no_answer": False})
    assert "it reads in windows of" in in_windows
    assert "always answers with some part of the text" in in_windows
    assert "one of its labels" not in in_windows
    assert "one of its labels" in limits({"kind": "classification", "labels": ["a", "b"]})


@pytest.mark.parametrize("kind", task_kinds())
def test_card_says_what_each_kind_of_task_is_asked_and_answers(kind: str) -> None:
    task = load_task(options_type(kind).example())
    card = model_card(samples_against.hold(), replace(FACTS, task=task.options.stored()))
    (line,) = [line for line in card.splitlines() if line.startswith("model.predict([")]
    request, answer = line.removeprefix("model.predict([").split("])  # ")
    asked = json.loads(request)
    assert asked == (
        bare(task, task.samples()[0]) if len(task.inputs) > 1 else task.samples()[0]["text"]
    )
    assert answer.split(", ") == list(task.answers)


def test_card_of_graded_pairs_and_of_items_says_what_is_always_answered() -> None:
    graded = {"kind": "pair", "labels": None, "range": [0, 5], "tolerance": 0.5, "scatter": None}
    items = {**options_type("matching").example().stored(), "items": {"a": "one", "b": "two"}}
    for task, said in ((graded, "a number from 0 to 5"), (items, "one of its items")):
        assert said in model_card(samples_against.hold(), replace(FACTS, task=task))


def test_card_says_what_became_of_altered_copies() -> None:
    told = replace(FACTS, origin={"altered_copies": "111 left out, not shown to help"})
    sentence = "Altered copies of training rows: 111 left out, not shown to help."
    verdict = samples_against.promote()
    assert sentence in model_card(verdict, told)
    assert "Altered copies" not in model_card(verdict, FACTS)
