"""In: candidates better, worse, alike and of other labels. Out: the verdict that each deserves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError, IntegrityError
from components.gate import Champion, decide, evidence_key
from components.params import GateParams
from tests.components.gate.conftest import (
    ONE_WRONG,
    OTHER_WRONG,
    SETTINGS,
    TODAY,
    params_of,
    without_time,
)

FOUR = ("track", "refund", "login", "invoice")


def rules(verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in verdict["rules"]}


def names(verdict: dict[str, Any], state: str) -> list[str]:
    return [rule["name"] for rule in verdict["rules"] if rule["state"] == state]


def test_better_candidate_is_promoted(verdicts: dict[str, dict[str, Any]]) -> None:
    verdict = verdicts["promote"]
    assert verdict["verdict"] == "promote"
    assert names(verdict, "broken") == names(verdict, "open") == []
    assert verdict["champion"]["version"] == 3
    assert verdict["comparison"]["fixed"] > verdict["comparison"]["broken"]
    low, high = rules(verdict)["superior"]["interval"]
    assert 0 < low < verdict["comparison"]["estimate"] < high
    assert "above champion version 3" in verdict["sentence"]
    json.dumps(verdict, allow_nan=False)


def test_worse_candidate_is_held_by_its_score_and_by_what_it_breaks(
    verdicts: dict[str, dict[str, Any]],
) -> None:
    verdict = verdicts["hold"]
    assert verdict["verdict"] == "hold"
    assert names(verdict, "broken") == ["superior", "accuracy_not_worse"]
    assert "below champion version 3" in verdict["sentence"]
    assert "which is not enough (and 1 more rule is broken)" in verdict["sentence"]


def test_candidate_that_may_be_better_or_worse_is_undecidable(
    verdicts: dict[str, dict[str, Any]],
) -> None:
    verdict = verdicts["undecidable"]
    assert verdict["verdict"] == "undecidable"
    assert names(verdict, "open") == ["superior"]
    assert verdict["sentence"].endswith("version 3 stays.")


def test_open_comparison_tells_how_many_examples_would_settle_it(
    bench: Any, tmp_path: Path
) -> None:
    some = bench.make("some", {"password": 1, "odd": 1})
    params = params_of(margin=0.2, promote_when="non_inferior")
    evidence = bench.evidence(tmp_path, bench.make("poor", ONE_WRONG), bench.make("good"))
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "hold"  # it breaks more answers than it fixes
    assert names(verdict, "open") == ["non_inferior"]
    assert rules(verdict)["non_inferior"]["needed"] == verdict["needed"] > 0
    evidence = bench.evidence(tmp_path / "worse", some, bench.make("good"))
    assert "non_inferior" in names(decide(params, evidence, SETTINGS, TODAY), "broken")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"floors": {"accuracy": 1.0}}, "accuracy"),
        ({"floors": {"macro_f1": 1.0}}, "macro_f1"),
        ({"ceilings": {"calibration_error": 0.0}}, "calibration_error"),
        ({"ceilings": {"latency_p95_ms": 1e-6}}, "latency_p95_ms"),
        ({"ceilings": {"latency_ratio": 1e-6}}, "latency_ratio"),
        ({"ceilings": {"size_mb": 1e-6}}, "size_mb"),
        ({"ceilings": {"size_ratio": 0.5}}, "size_ratio"),
        ({"robustness": {"typo": 1.0, "rows": 50}}, "robust:typo"),
    ],
)
def test_broken_limit_holds_even_what_is_better(
    bench: Any, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    champion = bench.make("poor", ONE_WRONG)
    candidate = bench.make("third", {"password": 0}) if rule in PARTIAL else bench.make("good")
    verdict = decide(
        params_of(**changes), bench.evidence(tmp_path, candidate, champion), SETTINGS, TODAY
    )
    assert rules(verdict)[rule]["state"] == "broken"
    assert verdict["verdict"] == "hold"


# Of these limits a candidate that is nearly right leaves the question open.
PARTIAL = {"accuracy", "macro_f1", "calibration_error"}


def test_floor_within_the_interval_leaves_the_verdict_open(bench: Any, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    verdict = decide(params_of(floors={"accuracy": 0.95}), evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "undecidable"
    assert names(verdict, "open") == ["accuracy"]
    assert verdict["needed"] == rules(verdict)["accuracy"]["needed"] > 0
    assert "further labelled examples would settle it" in verdict["sentence"]
    assert verdict["sentence"].endswith("there is no champion yet.")


def test_null_limits_are_not_asked(bench: Any, tmp_path: Path) -> None:
    params = params_of(ceilings={"latency_p95_ms": None, "size_mb": None})
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "promote"
    assert not {"latency_p95_ms", "size_mb"} & set(rules(verdict))


def test_equal_answers_are_never_superior(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), bench.make("twin", strength=5.0))
    assert decide(params, evidence, SETTINGS, TODAY)["verdict"] != "promote"
    lenient = params_of(promote_when="non_inferior", margin=0.1)
    verdict = decide(lenient, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "promote"
    assert "against champion version 3" in verdict["sentence"]


def test_without_a_champion_the_limits_alone_decide(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "promote"
    assert verdict["champion"] is verdict["comparison"] is None
    assert verdict["power"] == verdict["disagreements"] == []
    against = {"superior", "accuracy_not_worse", "mcnemar", "label_set", "new", "size_ratio"}
    assert not against & set(rules(verdict))
    assert {part["state"] for part in verdict["slices"]} == {"informs"}


def test_champion_itself_is_held_as_the_champion_already(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    good = bench.make("good")
    verdict = decide(params, bench.evidence(tmp_path, good, good), SETTINGS, TODAY)
    assert verdict["verdict"] == "hold"
    assert verdict["sentence"] == "Hold: version 4 is the champion already."
    assert verdict["candidate"]["digest"] == verdict["champion"]["digest"]


def test_other_label_set_is_compared_on_what_both_know_and_holds_by_its_own_rule(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    champion = bench.make("two", {"password": 0}, labels=("track", "refund"))
    evidence = bench.evidence(tmp_path, bench.make("good"), champion)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    labels = verdict["comparison"]["labels"]
    assert labels["shared"] == 2
    assert labels["only_candidate"] == ["login"]
    assert verdict["comparison"]["rows"] == verdict["rows"] - labels["left_out"] < verdict["rows"]
    assert names(verdict, "broken") == ["label_set"]
    assert "only the candidate has login" in rules(verdict)["label_set"]["reason"]
    assert verdict["confusion"]["labels"] == ["track", "refund", "login"]


def test_waived_label_set_lets_the_comparison_decide(bench: Any, tmp_path: Path) -> None:
    waiver = {"rule": "label_set", "reason": "login is a new team", "by": "Ada"}
    params = params_of(waivers=[{**waiver, "until": "2026-12-31"}], promote_when="non_inferior")
    champion = bench.make("four", ONE_WRONG, labels=FOUR)
    evidence = bench.evidence(tmp_path, bench.make("good"), champion)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "promote"
    assert names(verdict, "waived") == ["label_set"]
    assert "but 1, which is waived" in verdict["sentence"]
    later = decide(params, evidence, SETTINGS, date(2027, 1, 1))
    assert names(later, "broken") == ["label_set"]
    assert rules(later)["label_set"]["waiver"]["expired"]


def test_models_without_a_label_in_common_cannot_be_compared(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    champion = bench.make("none", labels=("a", "b", "c"))
    evidence = bench.evidence(tmp_path, bench.make("good"), champion)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "hold"
    assert verdict["comparison"] is None
    assert names(verdict, "broken") == ["superior", "label_set"]
    assert "size_ratio" in rules(verdict)


def test_champion_with_its_labels_in_another_order_compares_fairly(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    turned = {"parcel": 2, "money": 1, "password": 0, "odd": 2, "even": 1}
    champion = bench.make("turned", turned, labels=("login", "refund", "track"))
    evidence = bench.evidence(tmp_path, bench.make("good"), champion)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["comparison"]["estimate"] == pytest.approx(0)
    assert verdict["disagreements"] == []
    assert verdict["confusion"]["candidate"] == verdict["confusion"]["champion"]


def test_missing_or_foreign_test_examples_stop_the_gate(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    with pytest.raises(DataError, match="cannot be read"):
        decide(params, replace(evidence, data=tmp_path / "none"), SETTINGS, TODAY)
    with pytest.raises(DataError, match="cannot be read"):
        evidence_key(params, replace(evidence, data=tmp_path / "none"))
    few = bench.make("few", labels=("track", "refund", "invoice"))
    with pytest.raises(DataError, match="unknown_label"):
        decide(params, replace(evidence, bundles=few), SETTINGS, TODAY)


def test_altered_bundle_of_either_side_stops_the_gate(
    bench: Any, params: GateParams, tmp_path: Path
) -> None:
    good = bench.make("good")
    altered = bench.copy(good.int8, tmp_path / "altered")
    (altered / "tokenizer.json").write_text("{}")
    evidence = bench.evidence(tmp_path / "r", good, None)
    spoilt = (
        replace(evidence, bundles=replace(good, int8=altered)),
        replace(evidence, champion=Champion(3, altered, None)),
    )
    for each in spoilt:
        with pytest.raises(IntegrityError, match=r"tokenizer\.json was altered"):
            decide(params, each, SETTINGS, TODAY)


def test_same_seed_same_verdict(bench: Any, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(
        tmp_path, bench.make("poor", ONE_WRONG), bench.make("other", OTHER_WRONG)
    )
    runs = [decide(params, evidence, SETTINGS, TODAY) for _ in range(2)]
    assert without_time(runs[0]) == without_time(runs[1])
    assert runs[0]["evidence"] == evidence_key(params, evidence)


def test_verdict_has_every_part_of_its_format(verdicts: dict[str, dict[str, Any]]) -> None:
    for verdict in verdicts.values():
        assert verdict["format"] == 2
        assert {power["where"] for power in verdict["power"]} == {
            "overall",
            "channel: chat",
            "channel: mail",
        }
        assert set(verdict["scores"]["candidate"]) == {"accuracy", "macro_f1"}
        assert sum(map(sum, verdict["confusion"]["candidate"])) == verdict["rows"]
        assert set(verdict["parity"]["artifacts"]) == {"trained", "onnx", "int8"}
        assert set(verdict["latency"]["champion"]) == {"requests", "p50_ms", "p95_ms"}
        assert verdict["leakage"]["exact"] == 0
        assert verdict["size_bytes"]["candidate"] > 0
        assert [row["edit"] for row in verdict["robustness"]] == [
            "typo",
            "case",
            "punctuation",
            "words",
        ]
        for rule in verdict["rules"]:
            assert rule["title"]
            assert rule["reason"]
            assert bool(rule["cure"]) == (rule["state"] in {"broken", "open", "waived"})
