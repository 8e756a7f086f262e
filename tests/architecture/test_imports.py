"""In: the contracts of pyproject.toml. Out: that they hold, and that breaking one is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from components.tasks import task_kinds

PACKAGES = ("flows", "components", "infra", "benchmarks")
# One violation of each contract, in a place where it would be tempting; all inside a function.
BREACHES = {
    "above-components": ("components/files.py", "import flows.stage"),
    "layers": ("components/gate/rules.py", "import components.evaluation.slices"),
    "prefect": ("components/training/fit.py", "from prefect import task"),
    "mlflow": ("components/search/run.py", "import mlflow"),
    "great_expectations": ("components/ingestion/ingest.py", "import great_expectations as gx"),
    "optuna": ("flows/search.py", "import optuna.trial"),
    "onnx": ("components/inference/onnx.py", "import onnx"),
    "onnxruntime": ("components/evaluation/speed.py", "import onnxruntime"),
    "torch": ("components/inference/predictor.py", "import torch.nn.functional"),
    "transformers": ("components/tokenization/tokenize.py", "import transformers"),
    "peft": ("flows/trial.py", "import peft"),
    "ray": ("flows/search.py", "import ray"),
    "huggingface_hub": ("components/training/save.py", "from huggingface_hub import HfApi"),
}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter on the sources that lie in `root`."""
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_sources(root: Path, out: Path) -> None:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.json", "*.html")
        shutil.copytree(root / package, out / package, ignore=ignored)
    shutil.copy(root / "pyproject.toml", out)


def test_contracts_hold(root: Path) -> None:
    done = lint(root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_notices_an_import_inside_a_function(root: Path, tmp_path: Path) -> None:
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {c["id"]: c["name"] for c in config["tool"]["importlinter"]["contracts"]}
    assert set(BREACHES) == set(contracts)
    copy_sources(root, tmp_path)
    for place, statement in BREACHES.values():
        with (tmp_path / place).open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef breach() -> None:\n    {statement}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    listed = {line.strip() for line in done.stdout.splitlines()}
    assert {name for name in contracts.values() if f"{name} BROKEN" not in listed} == set()


def test_package_without_a_layer_is_noticed(root: Path, tmp_path: Path) -> None:
    copy_sources(root, tmp_path)
    (tmp_path / "components" / "helpers.py").write_text('"""In: all. Out: all."""\n')
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "components.helpers" in done.stdout


def modules_after(statements: Sequence[str]) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after these statements."""
    code = "; ".join([*statements, "import sys", "print(*{m.split('.')[0] for m in sys.modules})"])
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    return set(done.stdout.split())


def test_serving_needs_no_torch() -> None:
    loaded = modules_after(
        [
            *(f"import components.tasks.{kind}" for kind in task_kinds()),
            "import components.encoders, components.tokenization, components.augmentation",
            "import components.inference, components.inference.onnx",
        ]
    )
    assert "onnxruntime" in loaded
    heavy = {"torch", "transformers", "mlflow", "prefect", "great_expectations", "optuna", "onnx"}
    assert loaded & heavy == set()


def test_tasks_need_numpy_and_tokenizers_alone() -> None:
    loaded = modules_after([f"import components.tasks.{kind}" for kind in task_kinds()])
    assert {"numpy", "tokenizers"} <= loaded
    assert loaded & {"pandas", "pyarrow", "sklearn", "scipy", "onnxruntime", "torch"} == set()
