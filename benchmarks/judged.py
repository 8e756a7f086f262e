"""In: a folder. Out: a project whose candidate waits for the gate, at full size, with a champion.

    python -m benchmarks.judged FOLDER

10,000 test examples of 77 labels, each its own group, in 50 slices (5 columns of 10 values), and
50,000 training rows. The bundles are as large as those of the default encoder, but answer by the
first word alone, so that predicting takes little beside what is measured.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from components.files import write_json
from components.gate import Bundles
from components.params import Params
from components.params.load import check_params, read_tree
from components.records import read_card, write_card, write_split
from components.registry import Submission, open_registry, register
from components.schema import EDIT, PARENT_ID, SLICE_PREFIX, SPLITS, example_schema
from components.tasks.base import Array
from tests.components.toy_bundles import grow, make_bundle, make_trained
from tests.components.toy_reports import make_reports

ROOT: Final = Path(__file__).resolve().parents[1]
ROWS: Final = {"train": 50_000, "validation": 5_000, "test": 10_000}
LABELS: Final = tuple(f"label_{number}" for number in range(77))
KEYS: Final = 2 * len(LABELS)
COLUMNS: Final = 5
VALUES: Final = 10
# Of the labels; no model can be right about them.
NOISE: Final = 0.06
# The logit of the answer; all others have 0.
SURE: Final = 7.0
# Key words that the model takes for another label's, of all of them.
CANDIDATE, CHAMPION = 2, 6
# A language has many words, and a few of them everywhere.
WORDS: Final = 20_000
GROUP_WORD: Final = 0.03
# Of the default encoder's files.
BYTES: Final = {"trained": 90_000_000, "onnx": 90_000_000, "int8": 23_000_000}


def parameters() -> Params:
    """Return params.yaml, its task with 77 labels."""
    tree = read_tree(ROOT / "params.yaml")
    tree["task"]["labels"] = list(LABELS)
    tree["gate"]["robustness"]["lexicon"] = str(ROOT / "components" / "gate" / "groups.json")
    return check_params(tree, "params.yaml")


def make_project(folder: Path) -> None:
    """Write data, bundles and reports, and register both models, the first as champion."""
    params = parameters()
    _write_data(folder / "data" / "valid", folder / "data" / "augmented")
    registry = open_registry(folder / ".state", 0)
    for name, wrong in (("champion", CHAMPION), ("candidate", CANDIDATE)):
        out = folder / name
        bundles = _bundles(out, _votes(wrong), name)
        data = folder / "data" / "valid"
        evaluation, parity = make_reports(bundles.int8, data, out, bundles.each())
        submission = Submission(bundles.int8, evaluation, parity, data)
        receipt = register(registry, params.project.name, params.registry, submission, out)
        if name == "champion":
            registry.client.set_registered_model_alias(
                params.project.name, "champion", str(receipt["version"])
            )
    # The spread over seeds, as the search leaves it.
    scores = [0.912, 0.915, 0.910]
    write_json(
        folder / "search" / "finalists.json",
        {"trials": [{"trial": 0, "scores": scores, "reason": None}], "winner": 0},
    )


def _votes(wrong: int) -> dict[str, int]:
    """Return the label of each key word; so many words vote for the next label."""
    return {f"key{number}": (number + (number < wrong)) % len(LABELS) for number in range(KEYS)}


def _write_data(valid: Path, augmented: Path) -> None:
    rng = np.random.default_rng(7)
    words = np.array([f"w{number:x}" for number in range(WORDS)])
    weights = 1 / np.arange(1, WORDS + 1)
    slices = [f"column_{number}" for number in range(COLUMNS)]
    fields = {"text": "string", "label": "string"}
    for split in SPLITS:
        rows = list(_rows(split, ROWS[split], rng, words, weights / weights.sum()))
        write_split(valid, split, pa.Table.from_pylist(rows, schema=example_schema(fields, slices)))
        schema = example_schema(fields, slices, augmented=True)
        rows = [{**row, PARENT_ID: None, EDIT: None} for row in rows]
        write_split(augmented, split, pa.Table.from_pylist(rows, schema=schema))
    write_card(valid, licence="CC0-1.0", splits=ROWS)
    write_card(augmented, data=read_card(valid)["data"])


def _rows(
    split: str,
    count: int,
    rng: np.random.Generator,
    words: Array,
    weights: Array,
) -> Iterator[dict[str, Any]]:
    lengths = rng.integers(5, 15, count)
    drawn = iter(rng.choice(words, int(lengths.sum()), p=weights).tolist())
    keys, values = rng.integers(0, KEYS, count), rng.integers(0, VALUES, (count, COLUMNS))
    for row, (key, length) in enumerate(zip(keys.tolist(), lengths.tolist(), strict=True)):
        others = list(itertools.islice(drawn, length))
        if rng.random() < GROUP_WORD:
            others.append("she")
        label = key + 1 if rng.random() < NOISE else key
        yield {
            "id": f"{split}-{row}",
            "group": f"{split}-{row}",
            "split": split,
            "source_row": row,
            "text": " ".join([f"key{key}", *others]),
            "label": LABELS[label % len(LABELS)],
            **{f"{SLICE_PREFIX}column_{n}": f"v{values[row, n]}" for n in range(COLUMNS)},
        }


def _bundles(out: Path, votes: Mapping[str, int], lineage: str) -> Bundles:
    """Make a model as all three artifacts, each as large as the default encoder's."""
    made = Bundles(
        make_trained(out / "trained", votes, LABELS, SURE, lineage),
        make_bundle(out / "onnx", votes, LABELS, SURE, lineage, "onnx"),
        make_bundle(out / "int8", votes, LABELS, SURE, lineage),
    )
    for name, bundle in made.each().items():
        grow(bundle, BYTES[name])
    return made


if __name__ == "__main__":
    make_project(Path(sys.argv[1]))
