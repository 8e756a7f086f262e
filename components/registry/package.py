"""In: a bundle folder. Out: an MLflow model folder that answers on its own, without torch."""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import components
from components.registry.fetch import BUNDLE

SCRIPT: Final = Path(__file__).with_name("pyfunc_model.py")
NEEDED: Final = (
    "mlflow",
    "numpy",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "pydantic",
    "tokenizers",
)


def write_model(bundle: Path, texts: list[str], metadata: Mapping[str, str], out: Path) -> None:
    """Write the MLflow model folder.

    Args:
        bundle: what it serves.
        texts: examples that its page shows.
        metadata: what stands in its MLmodel file.
        out: a folder that does not exist yet.
    """
    with warnings.catch_warnings():
        # MLflow warns of its own type hints when it is imported.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
        from mlflow.pyfunc import save_model

    with tempfile.TemporaryDirectory() as scratch:
        code = Path(scratch) / "components"
        copy_code(code)
        # The name of this folder is the bundle's name among the model's artifacts.
        named = shutil.copytree(bundle, Path(scratch) / BUNDLE)
        save_model(
            path=str(out),
            python_model=str(SCRIPT),
            artifacts={BUNDLE: str(named)},
            code_paths=[str(code)],
            pip_requirements=requirements(),
            signature=signature(),
            input_example=texts,
            metadata=dict(metadata),
        )


def requirements() -> list[str]:
    """Return what answering needs, in the versions of this environment; MLflow would try it out."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in NEEDED]


def signature() -> Any:  # noqa: ANN401 - MLflow has no stubs
    """Return the signature: texts in; label, score and the scores by label out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Map

    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string)]),
        outputs=Schema(
            [
                ColSpec(DataType.string, "label"),
                ColSpec(DataType.double, "score"),
                ColSpec(Map(DataType.double), "scores"),
            ]
        ),
    )


def copy_code(out: Path) -> None:
    """Copy what `components.inference` imports of this project, all tasks, and nothing else."""
    root = Path(components.__file__).parent
    for file in sorted(_closure(root, {root / "inference" / "__init__.py"})):
        target = out / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _closure(root: Path, start: set[Path]) -> set[Path]:
    # A task is imported by its name, which no import statement shows.
    found, rest = set(), start | {root / "__init__.py", *(root / "tasks").glob("*.py")}
    while rest:
        file = rest.pop()
        found.add(file)
        rest |= _imported(root, file) - found
    return found


def _imported(root: Path, file: Path) -> set[Path]:
    """Return the files of this project that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files: set[Path] = set()
    for name in names:
        package, *parts = name.split(".")
        if package == root.name:
            for depth in range(len(parts) + 1):
                path = root.joinpath(*parts[:depth])
                files |= {path / "__init__.py", path.with_suffix(".py")}
    return {path for path in files if path.is_file()}
