"""In: a bundle folder. Out: an MLflow model folder that answers on its own, without torch."""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import components
from components.inference import load_predictor
from components.registry.fetch import BUNDLE
from components.tasks.base import Example, Task, bare

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


def write_model(
    bundle: Path, examples: Sequence[Example], metadata: Mapping[str, str], out: Path
) -> None:
    """Write the MLflow model folder.

    Args:
        bundle: what it serves.
        examples: that its page shows.
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
        predictor = load_predictor(bundle)
        task, answers = predictor.bundle.task, predictor.predict(list(examples), len(examples))
        # The name of this folder is the bundle's name among the model's artifacts.
        named = shutil.copytree(bundle, Path(scratch) / BUNDLE)
        with warnings.catch_warnings():
            # MLflow compares a table's columns with a range, which pandas 4 will not do.
            warnings.filterwarnings("ignore", message="Operation with range is deprecated")
            save_model(
                path=str(out),
                python_model=str(SCRIPT),
                artifacts={BUNDLE: str(named)},
                code_paths=[str(code)],
                pip_requirements=requirements(),
                signature=signature(task.inputs, fullest([answer.value for answer in answers])),
                input_example=_shown(task, examples),
                metadata=dict(metadata),
            )


def requirements() -> list[str]:
    """Return what answering needs, in the versions of this environment; MLflow would try it out."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in NEEDED]


def signature(inputs: Sequence[str], answer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - MLflow has no stubs
    """Return the signature: the task's texts in, and out what an answer of it holds."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    # A single input needs no name, so that a plain list of texts will do.
    names = [None] if len(inputs) == 1 else inputs
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, name) for name in names]),
        outputs=Schema([ColSpec(_kind(value), name) for name, value in answer.items()]),
    )


def fullest(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return of each key the first value that is neither null nor empty, the first where all are.

    One answer may lack what others have, and would leave the type of that open.
    """
    return {
        key: next((a[key] for a in answers if a[key] not in (None, [], {})), value)
        for key, value in answers[0].items()
    }


def _kind(value: object) -> Any:  # noqa: ANN401 - MLflow has no stubs
    """Return MLflow's type of a JSON value; an empty list or mapping tells nothing of its own."""
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, Array, Map, Object, Property

    plain = {str: DataType.string, bool: DataType.boolean}
    plain |= dict.fromkeys((int, float), DataType.double)
    if type(value) in plain:
        return plain[type(value)]
    if isinstance(value, Mapping):
        kinds = {type(each) for each in value.values()}
        if kinds == {float}:
            return Map(DataType.double)
        return Object([Property(str(name), _kind(each)) for name, each in value.items()])
    if isinstance(value, list):
        return Array(_kind(value[0])) if value else Array(AnyType())
    return AnyType()


def _shown(task: Task, examples: Sequence[Example]) -> Any:  # noqa: ANN401 - what MLflow takes
    """Return requests as the page shows them: texts, or a table of them."""
    rows = [bare(task, example) for example in examples]
    if len(task.inputs) == 1:
        return [row[task.inputs[0]] for row in rows]
    import pandas as pd

    return pd.DataFrame(rows)


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
