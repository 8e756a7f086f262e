from __future__ import annotations

from components.registry.package import fullest, signature


def test_what_one_answer_lacks_is_told_by_another() -> None:
    answers = [
        {"label": None, "score": 0.5, "labels": [], "scores": {"a": 0.1}},
        {"label": "a", "score": 0.7, "labels": ["a"], "scores": {"a": 0.9}},
    ]
    found = fullest(answers)
    assert found == {"label": "a", "score": 0.5, "labels": ["a"], "scores": {"a": 0.1}}
    assert signature(("text",), found) == signature(("text",), answers[1])


def test_what_all_answers_lack_stays_open() -> None:
    assert fullest([{"label": None, "labels": []}]) == {"label": None, "labels": []}
