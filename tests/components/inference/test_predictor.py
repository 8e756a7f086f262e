"""In: bundles and models that misbehave. Out: what a predictor refuses, and what it imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from components.errors import IntegrityError
from components.files import write_manifest
from components.inference import Predictor, load_bundle, load_predictor
from components.inference.bundle import GRAPH, WEIGHTS
from components.inference.predictor import default_threads
from components.tasks.base import Array

SERVE = """
import sys
from pathlib import Path
from components.inference import load_predictor
answers = load_predictor(Path(sys.argv[1])).predict([{"text": "refund please"}], 1)
assert len(answers) == 1
heavy = {"torch", "transformers", "onnx", "pandas", "sklearn", "matplotlib", "mlflow", "prefect"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_graph_is_served_without_torch_or_transformers(
    bundles: dict[str, Path], root: Path
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SERVE, str(bundles["int8"])],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
    assert found.stderr == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(trained_bundle: Path, bad: float) -> None:
    def forward(inputs: Mapping[str, Array]) -> Array:
        return np.full((len(inputs["input_ids"]), 3), bad)

    predictor = Predictor(load_bundle(trained_bundle), forward)
    with pytest.raises(IntegrityError, match="NaN or infinite logits"):
        predictor.predict([{"text": "refund"}], 1)


def test_texts_of_like_length_share_a_batch(trained_bundle: Path) -> None:
    shapes = []

    def forward(inputs: Mapping[str, Array]) -> Array:
        shapes.append(inputs["input_ids"].shape)
        return np.zeros((len(inputs["input_ids"]), 3))

    texts = ["order refund money back", "a", "charged twice card cancel", "i"]
    Predictor(load_bundle(trained_bundle), forward).logits([{"text": t} for t in texts], 2)
    assert shapes == [(2, 3), (2, 6)]


def test_a_file_that_is_no_graph_is_refused(bundles: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundles["int8"], tmp_path / "int8"))
    (folder / GRAPH).write_bytes(b"not a graph")
    write_manifest(folder)
    with pytest.raises(IntegrityError, match=r"model\.onnx cannot be opened"):
        load_predictor(folder)


def test_a_graph_of_another_lineage_is_refused(bundles: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bundles["onnx"], tmp_path / "onnx"))
    card = folder / "bundle.json"
    lineage = load_bundle(folder).card.lineage["id"]
    card.write_text(card.read_text().replace(lineage, "f" * 16))
    write_manifest(folder)
    with pytest.raises(IntegrityError, match=f"lineage: expected 'ffff.* found '{lineage}"):
        load_predictor(folder)


def test_weights_that_leave_the_head_random_are_refused(
    trained_bundle: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(trained_bundle, tmp_path / "trained"))
    weights = load_file(folder / WEIGHTS)
    del weights["classifier.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    write_manifest(folder)
    with pytest.raises(IntegrityError, match=r"missing keys: classifier\.weight"):
        load_predictor(folder)


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("1", 1)])
def test_the_usual_variable_sets_the_threads(
    monkeypatch: pytest.MonkeyPatch, asked: str, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert default_threads() == threads


@pytest.mark.parametrize("asked", ["", "many", "0"])
def test_without_the_variable_every_core_works(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert default_threads() >= 1
