"""In: folders in which a recipe was released. Out: what its models score, and one answer of each.

    python -m benchmarks.recipes PROJECT [PROJECT ...]

Every figure is of the test split, as the reports have it and the gate has predicted it again: of
the trained model, of its ONNX graph, and of the int8 bundle that is served. The answer is that of
mlflow.pyfunc, loaded from the project's registry, to the first test example.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from components.files import read_json
from components.params.load import read_tree
from components.records import iter_examples
from components.tasks import load_task, options_type
from components.tasks.base import Task

ARTIFACTS: Final = ("trained", "onnx", "int8")
HEADS: Final = ("recipe", "task", "test rows", "figure", "trained", "ONNX", "int8", "verdict")
ASK: Final = """
import json, sys, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict([json.loads(sys.argv[2])]).to_dict("records")[0], default=str))
"""
LISTED: Final = 3


def main() -> int:
    """Print the table, and the answers under it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="+", type=Path)
    projects = [project.resolve() for project in parser.parse_args().projects]
    print(row(HEADS), row(["---"] * len(HEADS)), sep="\n")
    for project in projects:
        for line in rows(project):
            print(row(line))
    for project in projects:
        print(f"\n{json.dumps(answered(project), ensure_ascii=False)}")
    return 0


def row(cells: Any) -> str:  # noqa: ANN401 - anything that can be printed
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def rows(project: Path) -> list[list[str]]:
    """Return a line for each figure of the task; name and verdict stand in the first."""
    project_name, task = what(project)
    reports = [read_json(project / "reports" / "evaluation" / f"{a}.json") for a in ARTIFACTS]
    verdict = read_json(project / "registry" / "verdict.json")
    found: list[list[str]] = []
    for name in task.figures:
        told = [f"{report['metrics'][name]:.4f}" for report in reports]
        head = [project_name, task.options.kind, f"{reports[0]['rows']:,}"]
        first = not found
        found.append(
            [*(head if first else [""] * 3), name, *told, verdict["verdict"] if first else ""]
        )
    return found


def what(project: Path) -> tuple[str, Task]:
    """Return a project's name and its task; it may be of a version with other params."""
    tree = read_tree(project / "params.yaml")
    options = options_type(tree["task"]["kind"]).read(tree["task"])
    return str(tree["project"]["name"]), load_task(options)


def answered(project: Path) -> dict[str, Any]:
    """Ask the registered model, in a process of the project's own."""
    _, task = what(project)
    receipt = read_json(project / "registry" / "receipt.json")
    example = next(iter_examples(project / "data" / "valid", "test"))
    asked = {name: example[name] for name in task.inputs}
    uri = f"models:/{receipt['name']}/{receipt['version']}"
    store = f"sqlite:///{project / '.state' / 'mlflow' / 'mlflow.db'}"
    done = subprocess.run(
        [sys.executable, "-c", ASK, uri, json.dumps(asked)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=project,
        env={**os.environ, "MLFLOW_TRACKING_URI": store},
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if isinstance(scores := answer.get("scores"), dict):
        best = sorted(scores.items(), key=lambda each: -each[1])[:LISTED]
        answer["scores"] = dict(best) | ({"...": len(scores)} if len(scores) > LISTED else {})
    return {"model": uri, "asked": asked, "answer": answer}


if __name__ == "__main__":
    sys.exit(main())
