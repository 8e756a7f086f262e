"""In: a real model as the line makes it, and its real reports. Out: nothing that looks forged."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.evaluation import evaluate
from components.files import verify_manifest, write_json
from components.gate import Bundles, Evidence, Reports, Settings, decide
from components.gate.catalogue import kind
from components.params import EvaluationParams
from components.records import read_card, read_split, write_card
from components.schema import SPLITS
from tests.components.gate.conftest import TODAY, augment, params_of

EVALUATION = EvaluationParams(
    batch_size=8, calibration_bins=10, min_slice_rows=5, latency_requests=5, throughput_batches=1
)


def test_reports_of_the_line_itself_keep_every_rule_on_the_evidence(
    bundles: dict[str, Path], example_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(example_folder, tmp_path / "data"))
    counts = {split: len(read_split(folder, split)) for split in SPLITS}
    write_card(folder, data=read_card(folder)["data"], splits=counts)
    evaluate(EVALUATION, ["channel"], bundles, folder, tmp_path / "evaluation")
    result = {"data": read_card(folder)["data"], "success": True, "splits": counts}
    held = {"rule": "no text is empty", "success": True}
    write_json(tmp_path / "validation" / "result.json", {**result, "rules": [held]})
    finalist = {"trial": 2, "scores": [0.5, 0.7], "mean": 0.6, "spread": 0.14, "reason": None}
    evidence = Evidence(
        bundles=Bundles(**bundles),
        champion=None,
        data=folder,
        augmented=augment(folder, tmp_path / "augmented"),
        reports=Reports(
            evaluation=tmp_path / "evaluation",
            validation=tmp_path / "validation",
            receipt={"name": "toy", "version": 1, "digest": verify_manifest(bundles["int8"])},
            finalists={"trials": [finalist], "winner": 2},
        ),
    )
    verdict = decide(params_of(), evidence, Settings(seed=7, batch_size=8, bins=10), TODAY)
    forged = {r["name"]: r["reason"] for r in verdict["rules"] if not kind(r["name"]).waivable}
    broken = {r["name"] for r in verdict["rules"] if r["state"] == "broken"}
    assert {name: why for name, why in forged.items() if name in broken} == {}
    assert len(forged) == 13
    assert verdict["candidate"]["quantization"] == "static"
    assert verdict["seeds"] == {"trial": 2, "scores": [0.5, 0.7], "mean": 0.6, "spread": 0.14}
    assert verdict["parity"]["artifacts"]["onnx"]["max_logit_difference"] < 1e-3
    assert verdict["parity"]["artifacts"]["int8"]["batch_dependent"] == 0
