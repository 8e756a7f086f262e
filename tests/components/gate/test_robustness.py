"""In: a model that answers by key words. Out: the laws of how many answers survive an edit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from components.gate.robustness import Draw, robustness, survival
from components.inference import Predictor
from components.lexicon import read_lexicon
from components.params.release import RobustnessParams
from components.tasks.base import Example, Prediction, Task

DRAW = Draw(seed=1, batch_size=8, confidence=0.95)
GROUPS = "components/gate/groups.json"
EXAMPLES = [
    {
        "id": f"test-{i}",
        "group": f"customer {i}",
        "text": f"he lost parcel {i}, sadly",
        "label": "x",
    }
    for i in range(40)
]


class Toy:
    """Answers "track" to texts with the word, and "login" to others."""

    def __init__(self, task: Task, word: str) -> None:
        self.bundle = self
        self.task = task
        self.word = word
        self.asked: list[Example] = []

    def predict(self, examples: Sequence[Example], batch_size: int) -> list[Prediction]:
        assert batch_size == DRAW.batch_size
        self.asked += examples
        labels = ["track" if self.word in str(e["text"]) else "login" for e in examples]
        return [Prediction(label, 1.0, np.array([1.0])) for label in labels]


def params(lexicon: Path | str, rows: int = 100) -> RobustnessParams:
    return RobustnessParams(
        rows=rows, typo=0.8, case=0.9, punctuation=0.9, words=0.9, lexicon=str(lexicon)
    )


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "groups.json"
    path.write_text(json.dumps({"he": ["she"], "ahmed": ["anna"]}))
    return path


def measure(
    task: Task, word: str, asked: RobustnessParams, examples: Sequence[Example] = EXAMPLES
) -> dict[str, dict[str, Any]]:
    toy = cast(Predictor, Toy(task, word))
    before = toy.predict(examples, DRAW.batch_size)
    return {found["edit"]: found for found in robustness(asked, toy, examples, before, DRAW)}


def test_every_edit_is_measured(task: Task, lexicon: Path) -> None:
    found = measure(task, "lost", params(lexicon))
    assert list(found) == ["typo", "case", "punctuation", "words"]
    assert all(edit["rows"] == 40 for edit in found.values())


def test_a_model_that_the_edit_does_not_touch_keeps_all_answers(task: Task, lexicon: Path) -> None:
    found = measure(task, "no such word", params(lexicon))
    for edit in found.values():
        assert edit["survived"] == edit["high"] == 1
        assert 0.9 < edit["low"] < 1
        assert edit["examples"] == []


def test_a_model_that_looks_at_the_group_keeps_none(task: Task, lexicon: Path) -> None:
    words = measure(task, "he ", params(lexicon), [{**e, "text": "he is lost"} for e in EXAMPLES])
    assert words["words"]["survived"] == 1  # "she " ends like "he "
    words = measure(task, " he ", params(lexicon), [{**e, "text": "is he lost"} for e in EXAMPLES])
    assert words["words"]["survived"] == words["words"]["low"] == 0
    assert words["words"]["examples"][0] == {
        "text": "is he lost",
        "edited": "is she lost",
        "before": "track",
        "after": "login",
    }
    assert len(words["words"]["examples"]) == 5


def test_share_is_that_of_the_answers_that_stayed(task: Task, lexicon: Path) -> None:
    # All in upper case hides "lost"; a capital at the start does not.
    case = measure(task, "lost", params(lexicon))["case"]
    assert 0.25 < case["survived"] < 0.75
    assert 0 < case["low"] < case["survived"] < case["high"] < 1
    assert {example["edited"].isupper() for example in case["examples"]} == {True}


def test_texts_that_an_edit_does_not_change_make_room_for_others(task: Task, lexicon: Path) -> None:
    examples = [{**e, "text": "she lost"} for e in EXAMPLES[:30]] + EXAMPLES[30:]
    found = measure(task, "lost", params(lexicon, rows=8), examples)
    assert found["words"]["rows"] == 8
    found = measure(task, "lost", params(lexicon, rows=20), examples)
    assert found["words"]["rows"] == 10


def test_names_inside_a_sentence_are_replaced(task: Task, lexicon: Path) -> None:
    rows = [{**EXAMPLES[0], "text": "My friend Ahmed lost it"}]
    (example,) = measure(task, "Ahmed", params(lexicon), rows)["words"]["examples"]
    assert example["edited"] == "My friend Anna lost it"


def test_an_edit_that_fits_no_text_has_no_figure(task: Task, lexicon: Path) -> None:
    found = measure(task, "lost", params(lexicon), [{**EXAMPLES[0], "text": "wo ist es"}])["words"]
    assert found == {
        "edit": "words",
        "rows": 0,
        "survived": None,
        "low": None,
        "high": None,
        "examples": [],
    }


def test_draws_do_not_depend_on_the_order_of_examples(task: Task, lexicon: Path) -> None:
    asked = params(lexicon, rows=10)
    assert measure(task, "lost", asked) == measure(task, "lost", asked, EXAMPLES[::-1])


def test_survival_of_independent_rows_is_wilsons_interval() -> None:
    same = np.array([True] * 9 + [False])
    share, low, high = survival(same, [str(i) for i in range(10)], 0.95)
    # Wilson's score interval of 9 in 10, as tables have it
    assert (share, low, high) == (
        0.9,
        pytest.approx(0.5958, abs=1e-4),
        pytest.approx(0.9821, abs=1e-4),
    )


def test_rows_that_repeat_one_another_count_as_one() -> None:
    same = np.array([True] * 8 + [False] * 2)
    alone = survival(same, [str(i) for i in range(10)], 0.95)
    thrice = survival(np.repeat(same, 3), [str(i // 3) for i in range(30)], 0.95)
    assert thrice == pytest.approx(alone)


def test_when_all_survive_each_group_counts_as_one_row() -> None:
    everyone = np.ones(30, dtype=bool)
    together = survival(everyone, [str(i // 3) for i in range(30)], 0.95)
    assert together == survival(everyone[:10], [str(i) for i in range(10)], 0.95)


def test_groups_that_differ_within_do_not_count_for_more_than_their_rows() -> None:
    same = np.array([True, False] * 20)
    together = survival(same, [str(i // 2) for i in range(40)], 0.95)
    assert together == survival(same, [str(i) for i in range(40)], 0.95)


def test_groups_of_people_lead_both_ways_but_for_her(root: Path) -> None:
    groups = read_lexicon(root / GROUPS)
    one_way = {
        (word, other)
        for word, others in groups.items()
        for other in others
        if word not in groups.get(other, ())
    }
    # Whether "her" is "his" or "him", and "his" is "her" or "hers", only grammar tells.
    assert one_way == {("his", "her"), ("him", "her"), ("hers", "his")}


def test_words_that_mean_something_else_in_support_are_not_swapped(root: Path) -> None:
    groups = read_lexicon(root / GROUPS)
    everyday = {"miss", "bill", "mark", "old", "young", "black", "white", "may", "will", "grace"}
    assert "her" not in groups
    assert not everyday & {*groups, *(word for words in groups.values() for word in words)}
