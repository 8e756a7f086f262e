"""In: labelled texts in their published form, or the sample. Out: tokens, and an encoder's work."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.record import ROOT, prepare
from components import encoders
from components.errors import DataError
from components.files import read_json
from components.params import Params
from components.params.load import check_params, read_tree
from components.params.recipe import apply_recipe
from components.tasks import load_task
from components.tasks.base import Task
from components.tokens import TokenSplit, open_split

RECIPE: Final = ROOT / "recipes" / "banking77.yaml"
PUBLISHED: Final = "train.csv"


@dataclass(frozen=True)
class Data:
    """What all competitors train on.

    Attributes:
        name: of the data set, with its rows.
        task: with its labels.
        params: of all stages; its training section holds for all competitors.
        encoder: folder of the checked encoder files.
        tokens: folder of the tokens.
    """

    name: str
    task: Task
    params: Params
    encoder: Path
    tokens: Path

    @property
    def train(self) -> TokenSplit:
        """The rows that are trained on."""
        return open_split(self.tokens, "train")

    @property
    def validation(self) -> TokenSplit:
        """The rows that quality is compared on."""
        return open_split(self.tokens, "validation")


def load_data(source: Path | None, place: Path, batch_size: int, compiled: str) -> Data:
    """Run the line up to the tokens; no text is altered.

    Args:
        source: folder or file of Banking77 as published; None: the sample tickets.
        place: a folder to work in.
        batch_size: rows per step of all competitors.
        compiled: training.compile of ours.

    Raises:
        DataError: the folder lacks train.csv.
    """
    chosen = place / "params.yaml"
    shutil.copy(ROOT / "params.yaml", chosen)
    if source is not None:
        apply_recipe(RECIPE, chosen)
    tree = read_tree(chosen)
    tree["augmentation"]["edits"] = dict.fromkeys(tree["augmentation"]["edits"], 0.0)
    tree["training"] |= {
        "batch_size": batch_size,
        "accumulation": 1,
        "label_smoothing": 0.0,
        "compile": compiled,
    }
    if source is not None:
        file = source / PUBLISHED if source.is_dir() else source
        if not file.is_file():
            raise DataError(f"{file} must be there, found no file", "name the data set's folder")
        tree["ingestion"] |= {
            "folder": str(file.parent),
            "source": file.name,
            "test_source": None,
            "scheme": None,
            "splits": {"validation": 0.15, "test": 0.01},
        }
        tree["validation"]["min_rows_per_label"] = {"train": 1, "validation": 0, "test": 0}
    params = check_params(tree, str(chosen))
    task = load_task(params.task)
    encoder = encoders.locate(params.encoder.source, params.encoder.sha256, place / "encoder")
    prepare(params, task, encoder, place)
    tokens = place / "tokens"
    rows = len(open_split(tokens, "train"))
    return Data(f"{params.project.name}, {rows} rows", task, params, encoder, tokens)


def forward_flops(encoder: Path, labels: int, lengths: npt.NDArray[np.int64]) -> int:
    """Count the multiplications and additions of the matrix products that we do going forward.

    BERT's: per layer four width x width products, two width x inner ones, and attention's scores
    and sums; of the last layer, keys and values of all tokens and the rest for the first token
    only; then the pooler and the head. Embeddings are looked up, not multiplied, and count
    nothing, nor do padding, bias, norms and activations. A backward pass takes twice as many: one
    product each for the gradient of the input and of the weight.

    Args:
        encoder: folder with config.json.
        labels: of the head.
        lengths: (rows,) tokens of each row, padding left out.
    """
    config: dict[str, Any] = read_json(encoder / "config.json")
    width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    tokens, pairs, texts = int(lengths.sum()), int((lengths * lengths).sum()), len(lengths)
    pair, rest = 2 * width * width, 2 * width * width + 2 * width * inner  # keys, values; others
    layer = 2 * tokens * (pair + rest) + 4 * pairs * width
    last = 2 * tokens * pair + 2 * texts * rest + 4 * tokens * width
    head = 2 * texts * (width * width + width * labels)
    return (int(config["num_hidden_layers"]) - 1) * layer + last + head
