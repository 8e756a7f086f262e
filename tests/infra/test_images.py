"""In: the Dockerfiles. Out: not as root, in the tested versions, and serving without torch."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tokenizers import Tokenizer, models

from components.inference.bundle import BundleCard, seal
from components.tasks.base import Task

NAMES = ("mlflow", "prefect", "serving", "worker")
FORBIDDEN = {"torch", "transformers", "mlflow", "prefect", "dvc", "pandas"}


def lines(root: Path, name: str) -> list[str]:
    text = (root / "infra" / "docker" / f"{name}.Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def packages(root: Path, name: str) -> list[str]:
    (line,) = [text for text in lines(root, name) if text.startswith("RUN pip install")]
    words = shlex.split(line)
    return words[words.index("/srv/constraints.txt") + 1 :]


@pytest.mark.parametrize("name", NAMES)
def test_no_image_runs_as_root(root: Path, name: str) -> None:
    users = [line.split()[1] for line in lines(root, name) if line.startswith("USER")]
    assert users
    assert not users[-1].startswith(("0", "root"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_copied_exists_and_reaches_the_build(root: Path, name: str) -> None:
    allowed = re.findall(r"^!(\S+)", (root / ".dockerignore").read_text(), flags=re.MULTILINE)
    for line in lines(root, name):
        if line.startswith("COPY"):
            for source in line.split()[1:-1]:
                assert list(root.glob(source)), source
                assert source.split("/")[0] in allowed, source


@pytest.mark.parametrize("name", ["mlflow", "prefect", "serving"])
def test_whatever_is_installed_is_pinned(root: Path, name: str) -> None:
    pinned = (root / "constraints.txt").read_text()
    for package in packages(root, name):
        assert re.search(rf"^{re.escape(Requirement(package).name)}==", pinned, re.MULTILINE)


def closure(wanted: list[str]) -> set[str]:
    """Return the names of all packages that installing these would install."""
    found: set[str] = set()
    queue = [Requirement(text) for text in wanted]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        queue += [Requirement(text) for text in metadata.requires(name) or []]
    return found


def site_of(names: set[str], folder: Path) -> Path:
    """Make a folder with nothing but these packages, linked to the installed ones."""
    folder.mkdir()
    for name in names:
        for file in metadata.files(name) or []:
            top = file.parts[0]
            source = Path(str(file.locate())).parents[len(file.parts) - 2] if file.parts[1:] else (
                Path(str(file.locate()))
            )  # fmt: skip
            if top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(source)
    return folder


@pytest.fixture
def bundle(tmp_path: Path, task: Task) -> Path:
    """A bundle whose graph answers the second label for every text."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.save(str(folder / "tokenizer.json"))
    bias = helper.make_tensor("bias", TensorProto.FLOAT, [1, 3], [0.0, 3.0, 1.0])
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    one = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    nodes = [
        helper.make_node("Add", ["input_ids", "attention_mask"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "zero"], ["nothing"]),
        helper.make_node("ReduceSum", ["nothing", "axis"], ["rows"], keepdims=1),
        helper.make_node("Add", ["rows", "bias"], ["logits"]),
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "second", inputs, [output], [bias, zero, one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, {"lineage": "0"})
    onnx.save(model, str(folder / "model.onnx"))
    card = BundleCard(
        format=1, artifact="int8", task=task.options.model_dump(mode="json"), max_length=16,
        pad_id=0, lineage={"id": "0"},
    )  # fmt: skip
    seal(folder, card)
    return folder


def image(root: Path, folder: Path) -> Path:
    """Copy what the serving image copies."""
    for line in lines(root, "serving"):
        if not line.startswith("COPY"):
            continue
        *sources, target = line.split()[1:]
        place = folder / Path(target).relative_to("/")
        for source in (found for name in sources for found in root.glob(name)):
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    return folder / "srv"


def ask(python: list[str], srv: Path, path: str, bundle: Path, text: str) -> str:
    done = subprocess.run(
        [*python, str(srv / "predict.py"), str(bundle)], input=text, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path}, capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else f"{done.returncode} {done.stderr}"


def test_the_serving_image_answers_with_its_own_packages_and_no_torch(
    root: Path, tmp_path: Path, bundle: Path
) -> None:
    names = closure(packages(root, "serving"))
    assert not names & FORBIDDEN
    site = site_of(names, tmp_path / "site")
    srv = image(root, tmp_path / "image")
    # -S: none of the packages of the environment that runs the tests
    said = ask([sys.executable, "-S"], srv, f"{srv}:{site}", bundle, 'where\n{"text": "refund"}\n')
    answers = [json.loads(line) for line in said.splitlines()]
    assert [answer["label"] for answer in answers] == ["refund", "refund"]
    assert np.isclose(sum(answers[0]["scores"].values()), 1.0, atol=1e-4)
    wrong = ask([sys.executable, "-S"], srv, f"{srv}:{site}", bundle, "{broken\n")
    assert wrong.startswith("1 line 1 is not JSON")
    assert "Traceback" not in wrong
    code = "import importlib.util as u; print([n for n in ('torch', 'mlflow') if u.find_spec(n)])"
    seen = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(site)}, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert seen.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.skipif(
    "TOUCHSTONE_TEST_INDEX" not in os.environ,
    reason="needs a package index: TOUCHSTONE_TEST_INDEX=1 runs it",
)
def test_the_serving_image_is_built_from_an_index(root: Path, tmp_path: Path, bundle: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    pins = str(root / "constraints.txt")
    install = [python, "-m", "pip", "install", "-q", "-c", pins, *packages(root, "serving")]
    subprocess.run(install, check=True)
    srv = image(root, tmp_path / "image")
    said = ask([python], srv, str(srv), bundle, "where\n")
    assert json.loads(said)["label"] == "refund"
    torch = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    assert b"No module named 'torch'" in torch.stderr
