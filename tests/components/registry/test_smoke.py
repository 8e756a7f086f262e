"""In: bundles whose manifest is right and whose answers are not. Out: none of them ever serves."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.errors import TouchstoneError
from components.files import write_manifest
from components.registry import Registry, champion, probes, promote
from tests.candidates import add_model, add_version, judged, make_model

NUMBERS = itertools.count(1)
# What the gate measured; toy bundles take less than a tenth of it.
LATENCY = {"candidate": {"requests": 100, "p50_ms": 1.0, "p95_ms": 2.0}}
Break = Callable[[Path], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("smoke") / "model", "smoke")


@pytest.fixture
def name(registry: Registry) -> str:
    name = f"smoked-{next(NUMBERS)}"
    add_model(registry, name)
    return name


def graph(bundle: Path, alter: Callable[..., None]) -> None:
    """Alter the graph, and make the manifest true of it."""
    import onnx

    opened = onnx.load(bundle / "model.onnx")
    alter(opened)
    onnx.save(opened, bundle / "model.onnx")
    write_manifest(bundle)


def corrupt(bundle: Path) -> None:
    whole = (bundle / "model.onnx").read_bytes()
    (bundle / "model.onnx").write_bytes(whole[: len(whole) // 2])
    write_manifest(bundle)


def other_tokenizer(bundle: Path) -> None:
    path = bundle / "tokenizer.json"
    path.write_text(path.read_text().replace('"parcel"', '"parcels"'))


def labels_permuted(bundle: Path) -> None:
    card = json.loads((bundle / "bundle.json").read_text())
    card["task"]["labels"] = [*card["task"]["labels"][1:], card["task"]["labels"][0]]
    (bundle / "bundle.json").write_text(json.dumps(card))
    write_manifest(bundle)


def inputs_renamed(bundle: Path) -> None:
    def alter(opened: object) -> None:
        opened.graph.input[0].name = opened.graph.node[0].input[1] = "tokens"

    graph(bundle, alter)


def answers_nan(bundle: Path) -> None:
    from onnx import numpy_helper

    def alter(opened: object) -> None:
        table = numpy_helper.to_array(opened.graph.initializer[0])
        nothing = numpy_helper.from_array(np.full_like(table, np.nan), "table")
        opened.graph.initializer[0].CopyFrom(nothing)

    graph(bundle, alter)


def ten_times_slower(bundle: Path) -> None:
    """Add matrix products whose sum, which is 0, is part of every answer."""
    from onnx import helper, numpy_helper

    def alter(opened: object) -> None:
        zeros = numpy_helper.from_array(np.zeros((1500, 1500), dtype=np.float32), "zeros")
        wide = numpy_helper.from_array(np.ones((3, 1500), dtype=np.float32), "wide_ones")
        tall = numpy_helper.from_array(np.zeros((1500, 3), dtype=np.float32), "tall")
        opened.graph.initializer.extend([zeros, wide, tall])
        opened.graph.node[-1].output[0] = "fast"
        nodes = [helper.make_node("MatMul", ["fast", "wide_ones"], ["slow0"])]
        nodes += [
            helper.make_node("MatMul", [f"slow{i}", "zeros"], [f"slow{i + 1}"]) for i in range(40)
        ]
        nodes += [
            helper.make_node("MatMul", ["slow40", "tall"], ["nothing"]),
            helper.make_node("Add", ["fast", "nothing"], ["logits"]),
        ]
        opened.graph.node.extend(nodes)

    graph(bundle, alter)


def test_bundle_that_answers_as_before_passes(registry: Registry, name: str, model: Path) -> None:
    version = add_version(registry, name, model)
    assert promote(registry, judged(registry, name, version, latency=LATENCY)).changed


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (corrupt, "cannot be opened"),
        (other_tokenizer, "not those of digest"),
        (labels_permuted, "3 of 3 answers are not those that the gate saw"),
        (inputs_renamed, "inputs: expected"),
        (answers_nan, "NaN or infinite logits"),
        (ten_times_slower, "ms in the median"),
    ],
)
def test_bad_bundle_never_becomes_champion(
    registry: Registry, name: str, model: Path, tmp_path: Path, spoil: Break, reason: str
) -> None:
    spoiled = Path(shutil.copytree(model, tmp_path / "model"))
    spoil(spoiled / "artifacts" / "bundle")
    manifest = json.loads((spoiled / "artifacts" / "bundle" / "manifest.json").read_text())
    from components.files import sha256_json

    version = add_version(registry, name, spoiled, sha256_json(manifest["files"]))
    shutil.rmtree(registry.state / "bundles" / version.digest, ignore_errors=True)
    with pytest.raises(TouchstoneError, match=reason):
        promote(registry, judged(registry, name, version, latency=LATENCY))
    assert champion(registry, name) is None


def test_verdict_without_probes_and_latency_asks_for_finite_answers_alone(
    registry: Registry, name: str, model: Path, tmp_path: Path
) -> None:
    spoiled = Path(shutil.copytree(model, tmp_path / "model"))
    labels_permuted(spoiled / "artifacts" / "bundle")
    version = add_version(registry, name, spoiled)
    assert promote(registry, judged(registry, name, version, probes=[])).changed


def test_probes_are_the_surest_answer_of_each_label(model: Path) -> None:
    texts = ("please", "please money", "money", "password password", "password", "parcel money")
    examples = [{"text": text, "label": "track", "id": text} for text in texts]
    found = probes(model / "artifacts" / "bundle", examples)
    by_label = {probe["label"]: probe["example"] for probe in found}
    assert by_label["login"] == {"text": "password password"}
    assert by_label["refund"] in ({"text": "money"}, {"text": "please money"})
    assert all("label" not in probe["example"] for probe in found)
