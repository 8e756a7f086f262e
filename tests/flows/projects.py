"""In: a folder and params. Out: a project at work there, with the stages that dvc.yaml names."""

from __future__ import annotations

import contextlib
import csv
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from ruamel.yaml import YAML

from components.params.load import read_tree

STAGES: Final[dict[str, Any]] = read_tree(Path(__file__).parents[2] / "dvc.yaml")["stages"]
REQUESTS: Final = "requests.csv"
ROWS: Final = 900
# Words that the tiny tokenizer knows; one of them decides what is asked for.
DECIDING: Final = {
    "track": ("where", "parcel", "order", "late"),
    "refund": ("money", "refund", "charged", "back"),
    "login": ("password", "reset", "login", "change"),
}
# "his": some requests name one group of people, whose name the gate exchanges for another.
OTHERS: Final = (  # noqa: SIM905 - reads better as a sentence
    "is my his the a to for it has not arrived yet this send me please help i want"
).split()
# In so many requests a word of another label stands, too: no model can be right about all.
AMBIGUOUS: Final = 0.3


def command(verb: str) -> list[str]:
    """Return the arguments that dvc.yaml gives to a stage's flow."""
    text = STAGES[verb]["cmd"].replace("${ingestion.folder}", "data/source")
    return shlex.split(text)[3:]


def write_params(folder: Path, tree: object) -> None:
    """Write params.yaml into a project's folder."""
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(tree, file)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Work in a folder, as a user who went there, until the block ends."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def new_project(folder: Path, tree: object) -> Path:
    """Make a project's folder, in which no stage was run yet."""
    (folder / "data" / "source").mkdir(parents=True)
    write_params(folder, tree)
    return folder


def write_requests(source: Path) -> None:
    """Write requests from whose words a tiny model learns what is asked for, but for some."""
    rng = np.random.default_rng(5)
    columns = ("body", "intent", "customer_id", "channel", "segment")
    with (source / REQUESTS).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for row in range(ROWS):
            label, other = rng.permutation(list(DECIDING))[:2]
            words = [*rng.choice(OTHERS, rng.integers(3, 9)), rng.choice(DECIDING[label])]
            if rng.random() < AMBIGUOUS:
                words.append(rng.choice(DECIDING[other]))
            text = " ".join(rng.permutation(words))
            table.writerow((text, label, f"C{row // 2}", ("mail", "chat")[row % 2], "consumer"))
