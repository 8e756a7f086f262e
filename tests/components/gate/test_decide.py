"""In: candidates better, worse, alike and tampered with. Out: the verdict that each deserves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError, IntegrityError
from components.gate import Champion, decide
from components.params import GateParams

# With five key words in turn, moving one word's vote makes a fifth of the answers wrong.
ONE_WRONG = {"odd": 1}
OTHER_WRONG = {"even": 0}


def edit(path: Path, *names: str, to: object) -> None:
    """Change one value deep in a JSON file; NaN too, which the project's own writer refuses."""
    tree = place = json.loads(path.read_text())
    for name in names[:-1]:
        place = place[name]
    place[names[-1]] = to
    path.write_text(json.dumps(tree))


def rules(verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in verdict["rules"]}


def broken(verdict: dict[str, Any]) -> list[str]:
    return [rule["name"] for rule in verdict["rules"] if rule["passed"] is False]


def test_better_candidate_is_promoted(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("poor", ONE_WRONG))
    verdict = decide(params, evidence, 7)
    assert verdict["verdict"] == "promote"
    assert broken(verdict) == []
    assert verdict["champion"] == {
        "version": 3,
        "digest": verdict["champion"]["digest"],
    }
    assert verdict["comparison"]["fixed"] > verdict["comparison"]["broken"]
    low, high = rules(verdict)["superior"]["interval"]
    assert 0 < low < verdict["comparison"]["estimate"] < high
    assert "above champion version 3" in verdict["sentence"]
    json.dumps(verdict, allow_nan=False)


def test_worse_candidate_is_held(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("poor", ONE_WRONG), bench.make("good"))
    verdict = decide(params, evidence, 7)
    assert verdict["verdict"] == "hold"
    assert broken(verdict) == ["superior"]
    assert "below champion version 3, which is not enough" in verdict["sentence"]


def test_candidate_that_may_be_better_or_worse_is_undecidable(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    candidate, champion = bench.make("poor", ONE_WRONG), bench.make("other", OTHER_WRONG)
    verdict = decide(params, bench.evidence(tmp_path, candidate, champion), 7)
    assert verdict["verdict"] == "undecidable"
    assert "version 3 stays" in verdict["sentence"]


def test_broken_floor_holds_even_what_is_undecidable_or_better(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    strict = params.model_copy(
        update={"floors": params.floors.model_copy(update={"accuracy": 1.0})}
    )
    for name, champion in (("good", "poor"), ("poor", "other")):
        evidence = bench.evidence(
            tmp_path / name,
            bench.make(name, ONE_WRONG if name == "poor" else None),
            bench.make(champion, ONE_WRONG if champion == "poor" else OTHER_WRONG),
        )
        verdict = decide(strict, evidence, 7)
        assert verdict["verdict"] == "hold"
        assert "accuracy" in broken(verdict)


def test_equal_answers_are_not_superior_but_not_inferior(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    twin = bench.make("twin", strength=5.0)
    evidence = bench.evidence(tmp_path, bench.make("good"), twin)
    assert decide(params, evidence, 7)["verdict"] == "hold"
    lenient = params.model_copy(update={"promote_when": "non_inferior"})
    verdict = decide(lenient, evidence, 7)
    assert verdict["verdict"] == "promote"
    assert "no worse than champion version 3" in verdict["sentence"]


def test_without_a_champion_the_floors_alone_decide(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    verdict = decide(params, evidence, 7)
    assert verdict["verdict"] == "promote"
    assert verdict["champion"] is None
    assert not {"superior", "mcnemar", "label_set"} & set(rules(verdict))


def test_champion_itself_is_held_as_the_champion_already(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    good = bench.make("good")
    verdict = decide(params, bench.evidence(tmp_path, good, good), 7)
    assert verdict["verdict"] == "hold"
    assert verdict["sentence"] == "Hold: version 4 is the champion already."
    assert verdict["candidate"]["digest"] == verdict["champion"]["digest"]


def test_other_label_set_holds_with_the_labels_named(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    champion = bench.make("labels", labels=("track", "refund", "login", "invoice"))
    verdict = decide(params, bench.evidence(tmp_path, bench.make("good"), champion), 7)
    assert verdict["verdict"] == "hold"
    assert rules(verdict)["label_set"]["reason"] == "only the champion has invoice"


def test_champion_with_its_labels_in_another_order_compares_fairly(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    turned = {"parcel": 2, "money": 1, "password": 0, "odd": 2, "even": 1}
    champion = bench.make("turned", turned, labels=("login", "refund", "track"))
    verdict = decide(params, bench.evidence(tmp_path, bench.make("good"), champion), 7)
    assert verdict["comparison"]["estimate"] == pytest.approx(0)
    assert verdict["disagreements"] == []


@pytest.mark.parametrize(
    ("names", "to", "says"),
    [
        (("digest",), "0" * 64, ("report_digest", "digest of bundle and int8 report")),
        (("data",), "0" * 64, ("report_data", "hash of test examples")),
        (("metrics", "accuracy"), 0.99, ("report_metrics", "report does not match")),
        (("metrics", "accuracy"), float("nan"), ("report_metrics", "report does not match")),
        (("metrics",), None, ("report_metrics", "report does not match")),
        (("calibration", "error"), float("nan"), ("calibration_error", "no finite number")),
        (("calibration",), {}, ("calibration_error", "is missing")),
        (("latency", "p95_ms"), 900.0, ("latency_p95_ms", "above the limit")),
        (("latency", "p95_ms"), "fast", ("latency_p95_ms", "no finite number")),
        (("size_bytes",), None, ("size_mb", "is missing")),
        (("size_bytes",), True, ("size_mb", "is missing")),
    ],
)
def test_rewritten_report_breaks_its_rule_with_its_own_reason(
    bench: Any,
    params: GateParams,
    tmp_path: Path,
    names: tuple[str, ...],
    to: object,
    says: tuple[str, str],
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    edit(evidence.evaluation / "int8.json", *names, to=to)
    verdict = decide(params, evidence, 7)
    assert verdict["verdict"] == "hold"
    rule, reason = says
    assert broken(verdict) == [rule]
    assert reason in rules(verdict)[rule]["reason"]


def test_loss_of_accuracy_is_against_the_trained_model_on_the_same_examples(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("poor", ONE_WRONG), None)
    edit(evidence.evaluation / "trained.json", "metrics", "accuracy", to=0.95)
    edit(evidence.evaluation / "trained.json", "data", to="0" * 64)
    assert broken(decide(params, evidence, 7)) == ["trained_data", "int8_loss"]


def test_missing_reports_break_rules_and_raise_nothing(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    (evidence.evaluation / "int8.json").write_text("{ not json")
    evidence.parity.unlink()
    verdict = decide(params, evidence, 7)
    assert verdict["verdict"] == "hold"
    assert {"report_digest", "report_data", "report_metrics", "parity"} <= set(broken(verdict))


def test_receipt_of_another_bundle_is_noticed(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    other = replace(evidence, receipt={**evidence.receipt, "digest": "0" * 64})
    assert broken(decide(params, other, 7)) == ["registered"]


def test_swapped_tokenizer_of_either_side_stops_the_gate(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    swapped = bench.copy(bench.make("good"), tmp_path / "swapped")
    (swapped / "tokenizer.json").write_text("{}")
    evidence = bench.evidence(tmp_path / "r", bench.make("good"), None)
    with pytest.raises(IntegrityError, match=r"tokenizer\.json was altered"):
        decide(params, replace(evidence, candidate=swapped), 7)
    with pytest.raises(IntegrityError, match=r"tokenizer\.json was altered"):
        decide(params, replace(evidence, champion=Champion(3, swapped)), 7)


def test_missing_or_foreign_test_examples_stop_the_gate(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    with pytest.raises(DataError, match="cannot be read"):
        decide(params, replace(evidence, examples=tmp_path / "none.parquet"), 7)
    few = bench.make("few", labels=("track", "refund", "invoice"))
    with pytest.raises(DataError, match="unknown_label"):
        decide(params, replace(evidence, candidate=few), 7)


def test_same_seed_same_verdict(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("poor", ONE_WRONG))
    first, second = decide(params, evidence, 7), decide(params, evidence, 7)
    first.pop("decided_at")
    second.pop("decided_at")
    assert first == second


def test_slices_show_both_models(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("poor", ONE_WRONG))
    parts = decide(params, evidence, 7)["slices"]
    assert [(part["column"], part["value"], part["rows"]) for part in parts] == [
        ("channel", "chat", 60),
        ("channel", "mail", 60),
    ]
    assert all(part["candidate"] > part["champion"] for part in parts)
