"""In: evidence that was swapped, edited, lost or is stale. Out: no promotion, and the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.files import read_json, verify_manifest, write_json, write_manifest
from components.gate import Bundles, Evidence, decide, evidence_key
from components.params import GateParams
from components.records import read_split, write_card, write_split
from tests.components.gate.conftest import ONE_WRONG, SETTINGS, TODAY, Bench, params_of
from tests.components.gate.test_decide import names, rules

Spoil = Callable[[Bench, Evidence, Path], Evidence | None]


def edit(path: Path, *at: str, to: object) -> None:
    """Change one value deep in a JSON file; NaN too, which the project's own writer refuses."""
    tree = place = json.loads(path.read_text())
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = to
    path.write_text(json.dumps(tree))


def report(artifact: str, *at: str, to: object) -> Spoil:
    """Rewrite a value of an evaluation report."""

    def spoil(_: Bench, evidence: Evidence, __: Path) -> None:
        edit(evidence.reports.evaluation / f"{artifact}.json", *at, to=to)

    return spoil


def no_report(_: Bench, evidence: Evidence, __: Path) -> None:
    (evidence.reports.evaluation / "int8.json").unlink()


def cut_report(_: Bench, evidence: Evidence, __: Path) -> None:
    (evidence.reports.evaluation / "int8.json").write_text("{ not json")


def report_of_another_model(bench: Bench, evidence: Evidence, out: Path) -> None:
    other = bench.evidence(out / "other", bench.make("poor", ONE_WRONG), None)
    ours, theirs = (e.reports.evaluation / "int8.json" for e in (evidence, other))
    ours.write_bytes(theirs.read_bytes())


def newer_data(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    """Make the test split anew after it was evaluated: one row less."""
    evidence = bench.with_data(evidence, out)
    card = read_json(evidence.data / "card.json")
    write_split(evidence.data, "test", read_split(evidence.data, "test").slice(1))
    write_card(evidence.data, data=card["data"], splits=card["splits"])
    return evidence


def validation_split(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    """Give the validation split for the test split, its card made to fit."""
    evidence = bench.with_data(evidence, out)
    card = read_json(evidence.data / "card.json")
    write_split(evidence.data, "test", read_split(evidence.data, "validation"))
    write_card(evidence.data, data=card["data"], splits=card["splits"])
    return evidence


def edited_test_rows(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    evidence = bench.with_data(evidence, out)
    write_split(evidence.data, "test", read_split(evidence.data, "test").slice(1))
    return evidence


def other_training_rows(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    evidence = bench.with_data(evidence, out)
    edit(evidence.augmented / "card.json", "data", to="e" * 64)
    return evidence


def no_training_rows(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    evidence = bench.with_data(evidence, out)
    (evidence.augmented / "train.parquet").unlink()
    return evidence


def leaked_rows(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    evidence = bench.with_data(evidence, out)
    train, test = (read_split(evidence.augmented, split) for split in ("train", "test"))
    write_split(evidence.augmented, "train", pa.concat_tables([train, test.slice(0, 1)]))
    write_card(evidence.augmented, data=read_json(evidence.data / "card.json")["data"])
    return evidence


def predictions(change: Callable[[pa.Table], pa.Table]) -> Spoil:
    """Rewrite the stored predictions."""

    def spoil(_: Bench, evidence: Evidence, __: Path) -> None:
        path = evidence.reports.evaluation / "predictions.parquet"
        pq.write_table(change(pq.read_table(path)), path)

    return spoil


def answers_made_right(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("answer")
    return table.set_column(place, "answer", table["label"])


def no_predictions(_: Bench, evidence: Evidence, __: Path) -> None:
    (evidence.reports.evaluation / "predictions.parquet").unlink()


def no_validation(_: Bench, evidence: Evidence, __: Path) -> None:
    (evidence.reports.validation / "result.json").unlink()


def validation(*at: str, to: object) -> Spoil:
    def spoil(_: Bench, evidence: Evidence, __: Path) -> None:
        edit(evidence.reports.validation / "result.json", *at, to=to)

    return spoil


def resealed(change: Callable[[Path], None]) -> Spoil:
    """Alter the served bundle, seal, evaluate and register it anew: all digests agree."""

    def spoil(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
        bundle = bench.copy(evidence.bundles.int8, out / "resealed")
        change(bundle)
        (bundle / "manifest.json").unlink()
        write_manifest(bundle)
        return bench.evidence(out / "anew", replace(evidence.bundles, int8=bundle), None)

    return spoil


def shuffled_labels(bundle: Path) -> None:
    edit(bundle / "bundle.json", "task", "labels", to=["refund", "track", "login"])


def swapped_tokenizer(bundle: Path) -> None:
    tree = read_json(bundle / "tokenizer.json")
    vocabulary = tree["model"]["vocab"]
    vocabulary["parcel"], vocabulary["money"] = vocabulary["money"], vocabulary["parcel"]
    write_json(bundle / "tokenizer.json", tree)


def other_origin(bundle: Path) -> None:
    edit(bundle / "bundle.json", "lineage", "data", to="f" * 64)


def not_registered(_: Bench, evidence: Evidence, __: Path) -> Evidence:
    receipt = {**evidence.reports.receipt, "digest": "0" * 64}
    return replace(evidence, reports=replace(evidence.reports, receipt=receipt))


def torch_is_another_model(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    """Give the served graph of a worse model beside the torch model of a good one."""
    mixed = replace(evidence.bundles, int8=bench.make("poor", ONE_WRONG).int8)
    return bench.evidence(out / "mixed", mixed, None)


def served_in_place_of_torch(bench: Bench, evidence: Evidence, out: Path) -> Evidence:
    served = evidence.bundles.int8
    return bench.evidence(out / "served", Bundles(served, served, served), None)


NAN = float("nan")
SPOILT: list[tuple[Spoil, str, str]] = [
    (no_report, "report_digest", "the int8 report: expected .*, found missing"),
    (cut_report, "report_data", "the int8 report: expected .*, found missing"),
    (report_of_another_model, "report_digest", "the int8 report: expected .*, found "),
    (report("int8", "digest", to="0" * 64), "report_digest", "found 0000"),
    (report("trained", "digest", to="0" * 64), "report_digest", "the trained report"),
    (report("int8", "data", to="0" * 64), "report_data", "found 0000"),
    (newer_data, "report_data", "the trained report: expected .*, found .*; the onnx report"),
    (report("int8", "split", to="validation"), "report_split", "expected test, found validation"),
    (validation_split, "data", "120 examples are of another split than test"),
    (edited_test_rows, "data", "is not the file that card.json names"),
    (other_training_rows, "trained_data", "the card of the training rows: expected ddd"),
    (no_training_rows, "trained_data", "is not the file that card.json names"),
    (no_training_rows, "leakage", "the training rows cannot be read"),
    (leaked_rows, "leakage", "stand in training: 1 exact"),
    (report("int8", "metrics", "accuracy", to=0.99), "report_metrics", "0.99 in the report"),
    (report("trained", "metrics", "macro_f1", to=0.5), "report_metrics", "macro_f1 of trained"),
    (report("int8", "rows", to=7), "report_metrics", "rows of the int8 report"),
    (report("int8", "confusion", to=[[1]]), "report_metrics", "the confusion matrix of int8"),
    (report("int8", "metrics", "accuracy", to=NAN), "finite", "accuracy .* no finite number: nan"),
    (report("int8", "metrics", "accuracy", to=None), "finite", "accuracy .* is missing"),
    (report("int8", "metrics", "accuracy", to="0.9"), "finite", "no finite number: 0.9"),
    (report("int8", "metrics", "accuracy", to=True), "finite", "no finite number: True"),
    (report("int8", "metrics", to=None), "finite", "accuracy of the int8 report is missing"),
    (report("onnx", "latency", "p50_ms", to=NAN), "finite", "latency.p50_ms of the onnx report"),
    (no_predictions, "predictions", r"predictions\.parquet is missing"),
    (predictions(lambda table: table.slice(0, 5)), "predictions", "not about these examples"),
    (predictions(answers_made_right), "predictions", "stored answers of int8 are others"),
    (predictions(lambda table: table.drop(["answer"])), "predictions", "cannot be read"),
    (no_validation, "validation", "is missing or unreadable"),
    (validation("success", to=False), "validation", "does not say that every rule held"),
    (validation("success", to=1), "validation", "does not say that every rule held"),
    (validation("rules", to=[]), "validation", "does not say that every rule held"),
    (validation("rules", to=[{"rule": "few", "success": False}]), "validation", "broken: few"),
    (validation("data", to="e" * 64), "validation", "the result of validation: expected ddd"),
    (validation("splits", "test", to=3), "validation", "validated test rows: expected 120"),
    (not_registered, "registered", "the receipt: expected .*, found 0000"),
    (resealed(shuffled_labels), "label_order", "int8 lists its labels otherwise .* at 0 refund"),
    (resealed(shuffled_labels), "accuracy_loss", "above the limit"),
    (resealed(swapped_tokenizer), "tokenizer", "int8 has another tokenizer than the trained"),
    (resealed(swapped_tokenizer), "broken_share", "above the limit"),
    (resealed(other_origin), "same_model", "int8 has other data in its lineage"),
    (torch_is_another_model, "broken_share", "above the limit"),
    (torch_is_another_model, "accuracy_loss", "above the limit"),
    (served_in_place_of_torch, "same_model", "trained holds a int8 bundle"),
]


@pytest.mark.parametrize(
    ("spoil", "rule", "reason"), SPOILT, ids=lambda v: getattr(v, "__name__", None)
)
def test_spoilt_evidence_is_held_with_its_own_reason(
    bench: Bench, params: GateParams, tmp_path: Path, spoil: Spoil, rule: str, reason: str
) -> None:
    evidence = bench.evidence(tmp_path / "told", bench.make("good"), None)
    evidence = spoil(bench, evidence, tmp_path) or evidence
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["verdict"] == "hold"
    assert rule in names(verdict, "broken")
    assert re.search(reason, rules(verdict)[rule]["reason"])
    assert verdict["sentence"].startswith("Hold version 4: ")
    json.dumps(verdict, allow_nan=False)


def test_no_spoilt_evidence_can_be_waived(bench: Bench, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    no_predictions(bench, evidence, tmp_path)
    waiver = {"reason": "nobody has time", "by": "Ada", "until": "2027-01-31"}
    params = params_of(waivers=[{"rule": "predictions", **waiver}])
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert names(verdict, "broken") == ["predictions", "waiver:predictions"]
    assert "cannot be waived" in rules(verdict)["waiver:predictions"]["reason"]


def test_unspoilt_evidence_is_promoted(bench: Bench, params: GateParams, tmp_path: Path) -> None:
    evidence = bench.evidence(tmp_path / "told", bench.make("good"), None)
    assert decide(params, evidence, SETTINGS, TODAY)["verdict"] == "promote"
    evidence = bench.with_data(evidence, tmp_path)
    assert decide(params, evidence, SETTINGS, TODAY)["verdict"] == "promote"


def test_key_tells_all_that_a_decision_stands_on(
    bench: Bench, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path / "told", bench.make("good"), bench.make("poor", ONE_WRONG))
    key = evidence_key(params, evidence)
    assert key == evidence_key(params, bench.with_data(evidence, tmp_path))
    assert key["candidate"] == verify_manifest(evidence.bundles.int8)
    others = {
        "champion": replace(evidence, champion=None),
        "data": edited_test_rows(bench, evidence, tmp_path / "other"),
        "reports": not_registered(bench, evidence, tmp_path),
        "candidate": replace(evidence, bundles=bench.make("poor", ONE_WRONG)),
    }
    for part, other in others.items():
        assert evidence_key(params, other)[part] != key[part]
    assert evidence_key(params_of(margin=0.03), evidence)["params"] != key["params"]


def test_key_changes_when_a_report_is_mended_and_not_when_times_differ(
    bench: Bench, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    key = evidence_key(params, evidence)
    edit(evidence.reports.evaluation / "int8.json", "latency", "p95_ms", to=900.0)
    evidence = replace(evidence, reports=replace(evidence.reports))  # read again
    assert evidence_key(params, evidence) == key
    edit(evidence.reports.evaluation / "int8.json", "metrics", "accuracy", to=NAN)
    evidence = replace(evidence, reports=replace(evidence.reports))
    assert evidence_key(params, evidence)["reports"] != key["reports"]


def test_figures_of_the_verdict_are_the_gates_own(
    bench: Bench, params: GateParams, tmp_path: Path
) -> None:
    evidence = bench.evidence(tmp_path, bench.make("good"), None)
    for name in ("error", "bins"):
        edit(evidence.reports.evaluation / "int8.json", "calibration", name, to=0.9)
    verdict = decide(params, evidence, SETTINGS, TODAY)
    assert verdict["calibration"]["candidate"]["error"] < 0.1
    assert np.sum(verdict["confusion"]["candidate"]) == verdict["rows"]
