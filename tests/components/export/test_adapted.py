"""In: a trained toy with an adapter that no weight holds. Out: a graph that computes the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.export import export
from components.files import read_json
from components.inference import load_bundle
from components.inference.adapted import KIND, SIZE, attach
from components.inference.bundle import BundleCard, seal
from tests.components.export.test_export import params


@pytest.fixture(params=["bottleneck", "prefix", "prompt"])
def adapted(request: pytest.FixtureRequest, trained_bundle: Path, tmp_path: Path) -> Path:
    """The toy bundle with an adapter that makes a difference."""
    from components.inference.torch import load_model

    bundle, folder = load_bundle(trained_bundle), tmp_path / "trained"
    model = load_model(bundle)
    setattr(model.config, KIND, request.param)
    setattr(model.config, SIZE, 4)
    names = attach(model)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in names:
                weight.normal_(std=0.5, generator=torch.manual_seed(0))
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "tokenizer.json").write_bytes((trained_bundle / "tokenizer.json").read_bytes())
    card = BundleCard.model_validate_json((trained_bundle / "bundle.json").read_text("utf-8"))
    seal(folder, card)
    return folder


@pytest.mark.parametrize("rung", ["fp32", "static"])
def test_graph_computes_what_the_adapter_adds(
    adapted: Path, example_folder: Path, tmp_path: Path, rung: str
) -> None:
    out = tmp_path / "onnx", tmp_path / "int8", tmp_path / "parity.json"
    export(params(rung), 7, adapted, example_folder, *out)
    artifacts = read_json(out[2])["artifacts"]
    assert artifacts["onnx"]["max_logit_difference"] < 1e-4
    assert artifacts["int8"]["batch_dependent"] == 0
