"""In: a small project. Out: the whole line run by its own commands, and what it left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recipes import answered, rows
from components.files import read_json, verify_manifest
from components.registry import open_registry
from flows.__main__ import main
from tests.flows.projects import STAGES, command, write_params


def test_the_verdict_is_about_the_bundle_that_was_registered(line: Path) -> None:
    receipt = read_json(line / "registry/receipt.json")
    verdict = read_json(line / "registry/verdict.json")
    digest = verify_manifest(line / "models/int8")
    assert verdict["candidate"]["digest"] == receipt["digest"] == digest


def test_all_bundles_carry_one_lineage(line: Path) -> None:
    ids = {
        read_json(line / "models" / name / "bundle.json")["lineage"]["id"]
        for name in ("onnx", "int8")
    }
    assert len(ids) == 1
    assert read_json(line / "registry/receipt.json")["lineage"]["id"] in ids


def test_the_data_hash_is_carried_from_ingest_to_tokens(line: Path) -> None:
    hashes = {
        read_json(line / "data" / name / "card.json")["data"]
        for name in ("raw", "valid", "augmented", "tokens")
    }
    assert len(hashes) == 1


def test_no_text_stands_on_both_sides_of_a_split(line: Path) -> None:
    from components.records import read_examples

    texts = [
        {" ".join(row["text"].lower().split()) for row in read_examples(line / "data/valid", split)}
        for split in ("train", "validation", "test")
    ]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]


def test_gating_and_registering_again_changes_nothing(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("registry/receipt.json", "registry/verdict.json", "reports/gate.html")
    before = [(line / name).read_bytes() for name in files]
    assert main(command("register")) == 0
    assert main(command("gate")) == 0
    assert [(line / name).read_bytes() for name in files] == before


def test_the_doctor_finds_nothing_wrong_and_names_a_page_that_was_edited(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line / "dvc.lock").touch()
    assert main(["doctor"]) == 0, capsys.readouterr().out
    page = line / "reports/gate.html"
    before = page.read_bytes()
    page.write_bytes(before.replace(b"Promote", b"Praise"))
    assert main(["doctor"]) == 1
    assert "reports/gate.html" in "".join(capsys.readouterr())
    page.write_bytes(before)


def test_the_alias_moves_on_promote_and_back_on_rollback(
    line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["promote"]) == 0
    assert "champion" in capsys.readouterr().out
    assert main(["promote"]) == 0, "promoting again is a no-op"
    assert main(["rollback"]) == 1, "there is no champion before the first"
    assert "cure" in capsys.readouterr().err


def test_a_verdict_that_was_edited_moves_nothing(
    line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = read_json(line / "registry/verdict.json")
    verdict["sentence"] += " Really."
    verdict["candidate"]["digest"] = "0" * 64
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    assert main(["promote", "--verdict", str(tmp_path / "verdict.json")]) == 1
    assert "the verdict was edited" in capsys.readouterr().err


def test_the_page_and_the_card_hang_at_the_version_in_mlflow(line: Path, tmp_path: Path) -> None:
    receipt = read_json(line / "registry/receipt.json")
    client = open_registry(Path(".state"), 0).client
    folder = f"gate/{receipt['version']}"
    stored = Path(client.download_artifacts(receipt["run_id"], folder, str(tmp_path)))
    files = {
        "gate.html": "reports/gate.html",
        "gate.md": "reports/gate.md",
        "verdict.json": "registry/verdict.json",
        "validation.json": "reports/validation/result.json",
        "data.json": "reports/data.json",
    }
    assert {path.name for path in stored.iterdir()} == {*files, "card.md"}
    for title, path in files.items():
        assert (stored / title).read_bytes() == (line / path).read_bytes(), title
    entry = client.get_model_version(receipt["name"], str(receipt["version"]))
    verdict = read_json(line / "registry/verdict.json")
    assert verdict["sentence"] in (stored / "card.md").read_text()
    assert entry.description.startswith(f"**{verdict['sentence']}")
    assert entry.tags["touchstone.verdict"] == verdict["verdict"]
    assert verdict["test_uses"] == 1


def test_the_table_of_recipes_tells_the_reports_and_one_answer(line: Path) -> None:
    found = rows(line)
    told = [read_json(line / f"reports/evaluation/{a}.json") for a in ("trained", "onnx", "int8")]
    assert found[0][:3] == ["tickets", "classification", str(told[0]["rows"])]
    for row in found:
        assert row[4:7] == [f"{report['metrics'][row[3]]:.4f}" for report in told], row[3]
    answer = answered(line)["answer"]
    assert answer["label"] == next(iter(answer["scores"]))
    assert answer["score"] == pytest.approx(answer["scores"][answer["label"]], abs=1e-5)


def test_what_mlflow_refuses_in_the_middle_of_a_stage_is_told_in_a_sentence(
    line: Path, learning: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    client = open_registry(Path(".state"), 0).client
    found = client.get_experiment_by_name(learning["project"]["name"])
    client.delete_experiment(found.experiment_id)
    before = read_json(line / "registry/receipt.json")
    assert main(command("register")) == 1
    text = capsys.readouterr().err
    client.restore_experiment(found.experiment_id)
    assert "register: MLflow refused: " in text
    assert "cure:" in text
    assert "Traceback" not in text
    assert main(command("register")) == 0
    after = read_json(line / "registry/receipt.json")
    assert [after[name] for name in ("version", "run_id", "digest")] == [
        before[name] for name in ("version", "run_id", "digest")
    ]


def test_stages_report_to_prefect(line: Path, prefect_server: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        names = {flow.name for flow in client.read_flows()}
    assert set(STAGES) <= names


def test_another_candidate_is_judged_against_the_champion_on_the_same_examples(
    line: Path, learning: dict[str, Any]
) -> None:
    assert main(["promote"]) == 0
    first = read_json(line / "registry/receipt.json")
    write_params(line, learning | {"training": learning["training"] | {"dropout": 0.3}})
    for verb in ("train", "export", "evaluate", "register", "gate"):
        assert main(command(verb)) == 0, verb
    verdict = read_json(line / "registry/verdict.json")
    assert verdict["candidate"]["version"] == first["version"] + 1
    assert verdict["champion"]["version"] == first["version"]
    assert verdict["champion"]["digest"] == first["digest"]
    assert verdict["comparison"] is not None
    assert verdict["rows"] == read_json(line / "reports/evaluation/int8.json")["rows"]
    moved = main(["promote"])
    assert moved == (0 if verdict["verdict"] == "promote" else 1)
