"""In: two data sets as published. Out: the tokens of some of their training rows, and all else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.record import ROOT, prepare
from components import encoders
from components.errors import DataError
from components.params import Params
from components.params.load import check_params, read_tree
from components.params.recipe import apply_recipe
from components.seeding import generator
from components.tasks import load_task
from components.tasks.base import Task
from components.tokens import open_split, subset

# How each set lies in its folder, and what params say of it.
SETS: Final[dict[str, dict[str, Any]]] = {
    "banking77": {"recipe": "banking77", "file": "train.csv", "learning_rate": 6e-4},
    "twitter": {
        "file": "sent_train.csv",
        "learning_rate": 2e-4,
        "task": {"kind": "classification", "labels": ["0", "1", "2"], "out_of_scope": None},
        "columns": {
            "fields": {"text": "text", "label": "label"},
            "group": None,
            "header": None,
            "values": {},
            "slices": [],
        },
    },
}
VALIDATION: Final = 0.1
# A thousand rows are few steps: with larger batches, whatever learns faster would win.
BATCH_SIZE: Final = 16


@dataclass(frozen=True)
class Set:
    """A data set that ways to learn are compared on.

    Attributes:
        name: of it.
        task: with its labels.
        params: of all stages; the training section is the plain recipe.
        encoder: folder of the checked encoder files.
        tokens: folder with the chosen training rows and all validation rows.
    """

    name: str
    task: Task
    params: Params
    encoder: Path
    tokens: Path


def load_set(name: str, folder: Path, rows: int, epochs: int, place: Path) -> Set:
    """Run the line up to the tokens; no text is altered, and no test row is looked at.

    Args:
        name: of SETS.
        folder: where the set lies, as published.
        rows: that are trained on, drawn at random; the same for all ways.
        epochs: of the plain recipe.
        place: a folder to work in.

    Raises:
        DataError: the set's file is not in the folder.
    """
    file = folder / SETS[name]["file"]
    if not file.is_file():
        raise DataError(f"{file} must be there, found no file", f"name the folder of {name}")
    params = check_params(_tree(name, file, epochs, place), name)
    task = load_task(params.task)
    encoder = encoders.locate(params.encoder.source, params.encoder.sha256, place / "encoder")
    prepare(params, task, encoder, place)
    whole = len(open_split(place / "tokens", "train"))
    chosen = generator(params.project.seed, "effects").permutation(whole)[:rows]
    subset(place / "tokens", np.sort(chosen), place / "few")
    return Set(name, task, params, encoder, place / "few")


def _tree(name: str, file: Path, epochs: int, place: Path) -> dict[str, Any]:
    place.mkdir(parents=True, exist_ok=True)
    chosen, given = place / "params.yaml", SETS[name]
    shutil.copy(ROOT / "params.yaml", chosen)
    if "recipe" in given:
        apply_recipe(ROOT / "recipes" / f"{given['recipe']}.yaml", chosen)
    tree = read_tree(chosen)
    tree["task"] = given.get("task", tree["task"])
    tree["ingestion"] |= {
        "folder": str(file.parent),
        "source": file.name,
        "validation_source": None,
        "test_source": None,
        "scheme": None,
        "columns": given.get("columns", tree["ingestion"]["columns"]),
        "splits": {"validation": VALIDATION, "test": 0.01},
    }
    tree["validation"]["min_rows_per_label"] = {"train": 1, "validation": 0, "test": 0}
    tree["validation"]["max_label_share"] = 1.0
    tree["augmentation"]["edits"] = dict.fromkeys(tree["augmentation"]["edits"], 0.0)
    tree["training"] |= {
        "epochs": epochs,
        "patience": epochs,
        "batch_size": BATCH_SIZE,
        "accumulation": 1,
        "learning_rate": given["learning_rate"],
        "label_smoothing": 0.0,
    }
    return tree
