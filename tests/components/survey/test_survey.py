"""In: good rows with faults planted. Out: proof that these are found, and nothing else."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from components.params import SurveyParams
from components.survey import broken, write_page
from components.survey.suspects import ask_single
from tests.components.survey.conftest import Row, Survey, good_rows, make_row

FOREIGN = [
    "Wo bleibt denn nur mein Paket, das ich letzte Woche bestellt habe?",
    "Je voudrais savoir où se trouve ma commande, merci beaucoup.",
    "No puedo entrar en mi cuenta porque olvidé la contraseña ayer.",
]


def figures(found: dict[str, Any]) -> dict[str, float]:
    return {rule["name"]: rule["figure"] for rule in found["rules"]}


def test_clean_rows_break_no_rule(run: Survey, rows: list[Row]) -> None:
    found = run(rows)

    assert {name: figure for name, figure in figures(found).items() if figure} == {}
    assert broken(found["rules"], Path("data.html")) is None


def test_rows_labels_lengths_and_slices_are_counted(run: Survey, rows: list[Row]) -> None:
    found = run(rows)

    assert found["rows"] == {"train": 108, "validation": 36, "test": 36}
    assert found["labels"][0] == {"label": "login", "train": 36, "validation": 12, "test": 12}
    lengths = sorted(len(row["text"]) for row in rows)
    assert found["characters"]["longest"] == lengths[-1]
    assert found["characters"]["p50"] == lengths[len(lengths) // 2 - 1]
    assert sum(found["characters"]["steps"]) == len(rows)
    assert found["slices"] == {"channel": {"web": 180}}


def test_the_order_of_rows_decides_nothing(run: Survey, rows: list[Row]) -> None:
    rows[3]["label"] = "refund"
    shuffled = random.Random(2).sample(rows, len(rows))

    assert run(rows, sample=50) == run(shuffled, sample=50)


OTHER = {"track": "refund", "refund": "login", "login": "track"}


def test_planted_label_errors_are_found_first(run: Survey) -> None:
    rows = good_rows(per_label=150)
    wrong = {row["id"]: row["label"] for row in random.Random(3).sample(rows, 20)}
    for row in rows:
        if row["id"] in wrong:
            row["label"] = OTHER[row["label"]]

    found = run(rows)
    told = found["texts"]["suspects"]

    assert wrong.keys() & set(found["suspects"]["ids"]) >= {row["id"] for row in told[:15]}
    assert all(row["meant"] == wrong[row["id"]] for row in told if row["id"] in wrong)


def test_nine_in_ten_planted_label_errors_are_found_whatever_the_seed() -> None:
    rows = good_rows(per_label=400)
    wrong = set(random.Random(3).sample(range(len(rows)), 40))
    texts = [row["text"] for row in rows]
    labels = [OTHER[row["label"]] if i in wrong else row["label"] for i, row in enumerate(rows)]

    found = [[one.place for one in ask_single(texts, labels, 5, s).suspects] for s in range(10)]

    assert sum(len(wrong & set(places)) for places in found) >= 0.9 * 10 * len(wrong)
    assert all(set(places[:15]) <= wrong for places in found)
    assert sum(len(set(places) - wrong) for places in found) <= 0.1 * 10 * len(wrong)


def test_labels_that_no_word_tells_apart_accuse_nobody(run: Survey) -> None:
    rng = random.Random(4)
    rows = good_rows()
    for row in rows:
        row["label"] = rng.choice(["track", "refund", "login"])

    found = run(rows)

    assert not found["suspects"]["able"]
    assert found["suspects"]["rows"] == 0


def test_a_model_that_knows_too_little_lists_suspects_and_ends_no_run(run: Survey) -> None:
    rows = good_rows()
    rows[0]["label"] = "login" if rows[0]["label"] != "login" else "track"
    budgets = _budgets({"suspect_labels": 0.0})

    able = run(rows, budgets=budgets)
    unsure = run(rows, budgets=budgets, min_skill=1.0)

    assert broken(able["rules"], Path("data.html")) is not None
    assert broken(unsure["rules"], Path("data.html")) is None
    assert unsure["suspects"] == able["suspects"]


def test_two_labels_for_one_thing_are_a_pair(run: Survey) -> None:
    rng = random.Random(5)
    rows = good_rows(per_label=100)
    for row in rows:
        if row["label"] in ("track", "refund") and rng.random() < 0.25:
            row["label"] = "refund" if row["label"] == "track" else "track"

    found = run(rows)

    assert found["pairs"][0]["labels"] == ["refund", "track"]
    assert 0.15 < found["pairs"][0]["share"] < 0.35
    assert figures(found)["ambiguous_pair"] == found["pairs"][0]["share"]


def test_conflicting_labels_are_shown_with_all_of_them(run: Survey, rows: list[Row]) -> None:
    text = "where is my money"
    rejected = [
        (make_row(text, "track"), "conflicting_label"),
        (make_row(text, "refund", "test"), "conflicting_label"),
        (make_row("again", "refund"), "duplicate_text"),
    ]

    found = run(rows, rejected)

    assert found["conflicts"] == {
        "rows": 2,
        "pairs": [{"labels": ["refund", "track"], "texts": 1}],
    }
    assert found["texts"]["conflicts"] == [{"text": text, "labels": {"track": 1, "refund": 1}}]
    assert figures(found)["conflicting_labels"] == pytest.approx(2 / 182)


def test_rare_labels_are_told(run: Survey, rows: list[Row]) -> None:
    kept = [row for row in rows if row["label"] != "login" or row["split"] != "train"]

    found = run(kept + [row for row in rows if row not in kept][:19])

    assert found["rare"] == ["login"]
    assert figures(found)["rare_labels"] == pytest.approx(1 / 3)


def test_other_scripts_and_languages_are_told_apart(run: Survey, rows: list[Row]) -> None:
    planted = [make_row(text, "track") for text in [*FOREIGN, "Где моя посылка", "我的包裹在哪里"]]

    found = run(rows + planted)

    assert {row["id"]: row["script"] for row in found["texts"]["scripts"]} == {
        planted[3]["id"]: "CYRILLIC",
        planted[4]["id"]: "CJK",
    }
    assert found["languages"]["main"] == "en"
    assert [found["languages"]["ids"].get(row["id"]) for row in planted[:3]] == ["de", "fr", "es"]
    assert found["languages"]["rows"] == 3


def test_personal_data_are_counted_and_never_shown(
    run: Survey, rows: list[Row], tmp_path: Path
) -> None:
    secrets = ["anna.k@mail.example.com", "4111 1111 1111 1111", "(415) 555-2671"]
    planted = [
        make_row(f"where is my parcel {secret} please", "refund", split)
        for secret in secrets
        for split in ("train", "test")
    ]

    found = run(rows + planted)
    write_page(found, {}, "toy", tmp_path / "data.html", tmp_path / "data.json")

    assert found["personal"] == {"rows": 6, "kinds": {"card": 2, "email": 2, "phone": 2}}
    for page in ("data.html", "data.json"):
        written = (tmp_path / page).read_text()
        assert [secret for secret in secrets if secret in written] == []


def test_near_copies_of_test_rows_are_found(run: Survey, rows: list[Row]) -> None:
    held = [row for row in rows if row["split"] == "test"][:10]
    words = [row["text"].split() for row in held]
    copies = [
        make_row(" ".join([*said[:-1], "x"]), r["label"])
        for r, said in zip(held, words, strict=True)
    ]

    found = run(rows + copies)

    told = {row["test"] for row in found["near"]["examples"]}
    assert len(told & {row["id"] for row in held}) >= 9
    assert figures(found)["near_copies"] == pytest.approx(len(told) / 36)


def test_a_rule_above_its_budget_is_an_error_with_a_cure(run: Survey, rows: list[Row]) -> None:
    planted = [make_row(text, "track") for text in FOREIGN]
    budgets = {"other_language": 0.01}

    found = run(rows + planted, budgets=_budgets(budgets))
    error = broken(found["rules"], Path("reports/data.html"))

    assert error is not None
    assert "few rows are in another language: found" in str(error)
    assert "survey.budgets.other_language: 0.01" in str(error)
    assert "reports/data.html" in error.cure


def _budgets(changes: dict[str, float]) -> Any:
    from components.params import load_params

    whole = load_params(Path(__file__).resolve().parents[3] / "params.yaml")
    return whole.survey.budgets.model_copy(update=changes)


def test_the_figures_hold_no_text(
    run: Survey, rows: list[Row], params: SurveyParams, tmp_path: Path
) -> None:
    rows[0]["label"] = "login" if rows[0]["label"] != "login" else "track"
    nothing = {"p50": None, "p95": None}
    before = {"format": 1, "rows": {}, "labels": {}, "words": 0, "vocabulary": []}
    found = run(
        rows,
        [(make_row("what a secret text", "track"), "conflicting_label")],
        before=before | {"characters": nothing},
    )
    write_page(found, {"too_short": 1}, "toy", tmp_path / "data.html", tmp_path / "data.json")

    written = (tmp_path / "data.json").read_text()

    assert json.loads(written)["rejected"] == {"too_short": 1}
    assert [row["text"] for row in rows if row["text"] in written] == []
    assert "a secret text" not in written
    new = found["difference"]["vocabulary"]["examples"]
    assert len(new) > 5
    assert "examples" not in json.loads(written)["difference"]["vocabulary"]
    assert "a secret text" in (tmp_path / "data.html").read_text()


def test_texts_and_labels_cannot_write_html(run: Survey, rows: list[Row], tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    found = run(rows, [(make_row(evil, evil), "conflicting_label")])
    told = {"id": evil, "split": evil, "given": evil, "meant": evil, "margin": 0.5, "text": evil}
    found["texts"]["suspects"] = [{**told, "words": words} for words in (None, evil)]
    found["suspects"]["able"] = True
    write_page(found, {evil: 1}, evil, tmp_path / "data.html", tmp_path / "data.json")

    assert evil not in (tmp_path / "data.html").read_text()
