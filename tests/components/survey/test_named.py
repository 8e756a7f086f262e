"""In: texts with entities marked wrong. Out: proof that these are suspects, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from components.params import SurveyParams
from components.spans import Span, write_spans
from components.survey import write_page
from components.survey.named import ask_named
from components.survey.suspects import Asked
from components.tasks.ner import Options
from tests.components.survey.conftest import Survey, make_row

TOWNS = ["Lima", "New York", "Oslo"]
FIRMS = ["Acme", "Globex Inc.", "Initech"]


def place_of(text: str, words: str, label: str) -> Span:
    start = text.index(words)
    return Span(start, start + len(words), label)


def corpus() -> tuple[list[str], list[list[Span]]]:
    """Return sixty texts, each of which names a firm and a town."""
    rng = random.Random(4)
    texts, marked = [], []
    for number in range(60):
        firm, town = rng.choice(FIRMS), rng.choice(TOWNS)
        text = f"{number}: {firm} opens in {town}, says the paper."
        texts.append(text)
        marked.append([place_of(text, firm, "firm"), place_of(text, town, "town")])
    return texts, marked


def told(asked: Asked) -> list[tuple[int, str | None, str | None, str | None]]:
    return [(one.place, one.words, one.given, one.meant) for one in asked.suspects]


def test_where_all_agree_nothing_is_suspect() -> None:
    asked = ask_named(*corpus())
    assert told(asked) == []
    assert (asked.rows, asked.skill) == (60, 1.0)


def test_another_type_is_told_with_its_words() -> None:
    texts, marked = corpus()
    firm = marked[7][0]
    marked[7][0] = firm._replace(label="town")
    assert told(ask_named(texts, marked)) == [(7, texts[7][firm.start : firm.end], "town", "firm")]


@pytest.mark.parametrize("words", ["New York", "Globex Inc."])
def test_a_forgotten_entity_is_told_whole(words: str) -> None:
    texts, marked = corpus()
    row = next(i for i, text in enumerate(texts) if words in text)
    marked[row] = [s for s in marked[row] if texts[row][s.start : s.end] != words]
    label = "town" if words in TOWNS else "firm"
    assert told(ask_named(texts, marked)) == [(row, words, None, label)]


def test_what_is_marked_once_and_nowhere_else_is_told() -> None:
    texts, marked = corpus()
    marked[9].append(place_of(texts[9], "paper", "firm"))
    assert told(ask_named(texts, marked)) == [(9, "paper", "firm", None)]


def test_a_part_of_a_marked_entity_is_not_a_place_of_its_own() -> None:
    texts, marked = corpus()
    texts += [f"{n} lives in York" for n in range(5)]
    marked += [[place_of(text, "York", "town")] for text in texts[-5:]]
    assert told(ask_named(texts, marked)) == []


def test_case_tells_words_apart() -> None:
    texts, marked = corpus()
    texts += [f"the acme of {n}" for n in range(20)]
    marked += [[] for _ in range(20)]
    assert told(ask_named(texts, marked)) == []


def test_words_that_are_this_or_that_accuse_nobody() -> None:
    texts = [f"{number} met Paris" for number in range(20)]
    marked = [[place_of(t, "Paris", ("town", "person")[i % 2])] for i, t in enumerate(texts)]
    asked = ask_named(texts, marked)
    assert (told(asked), asked.skill) == ([], -1.0)


def test_three_other_places_are_needed() -> None:
    others, theirs = corpus()
    texts = [f"{number} in Quito" for number in range(4)]
    marked = [[place_of(text, "Quito", "town")] for text in texts]
    marked[0] = []
    assert told(ask_named([*texts[:3], *others], [*marked[:3], *theirs])) == []
    found = ask_named([*texts, *others], [*marked, *theirs])
    assert told(found) == [(0, "Quito", None, "town")]


def test_where_words_tell_nothing_none_is_accused() -> None:
    texts = [f"{number} in Oslo" for number in range(9)]
    marked = [[place_of(text, "Oslo", "town")] for text in texts]
    marked[0] = []
    asked = ask_named(texts, marked)
    assert (told(asked), asked.able) == ([], False)


def test_texts_without_entities_cannot_be_asked() -> None:
    assert ask_named(["nothing here", ""], [[], []]) == Asked(0, 0.0, [])


def test_suspects_of_a_task_with_entities_stand_on_the_page(
    run: Survey, params: SurveyParams, tmp_path: Path
) -> None:
    texts, marked = corpus()
    texts += [f"{n}: write to a{n}@example.org at mail@example.org" for n in range(5)]
    marked += [[place_of(text, "mail@example.org", "firm")] for text in texts[-5:]]
    marked[3] = marked[3][:1]
    marked[-1] = []
    rows = [
        {**make_row(text, "", ("train", "validation", "test")[i % 3]), "entities": write_spans(own)}
        for i, (text, own) in enumerate(zip(texts, marked, strict=True))
    ]
    for row in rows:
        del row["label"]
    options = Options(kind="ner", labels=("firm", "town"), window_overlap=8, mark_capitals=False)
    names = type(params.budgets).model_fields
    anything = params.budgets.model_copy(update=dict.fromkeys(names, 1.0))
    found = run(rows, options=options, budgets=anything)

    said = write_page(found, {}, "firms", tmp_path / "data.html", tmp_path / "data.json")
    page = (tmp_path / "data.html").read_text()

    assert "2 texts are worth a look" in said
    assert "not marked, elsewhere <b>town</b>" in page
    assert "mail@example.org" not in page
    assert "xxxx@xxxxxxx.xxx" in page
    assert texts[3].split(": ")[1] not in (tmp_path / "data.json").read_text()
