"""In: a part of Banking77 as published, or the sample. Out: learning curves of a grid of trainings.

    python -m benchmarks.search_record [FOLDER]

Trains the pretrained encoder's lowest layers once with each combination of learning rate, batch
size and label smoothing, and writes the validation score after every epoch to
benchmarks/recorded. `benchmarks.search` replays searches on what is recorded here.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.record import ROOT, prepare
from components import encoders
from components.files import write_text
from components.params import Params, TrainingParams
from components.params.load import check_params, read_tree
from components.tasks import load_task
from components.tokens import open_split
from components.training import fit, shortened

RECORDED: Final = ROOT / "benchmarks" / "recorded"
TICKETS: Final = 600
LABELS: Final = 15
ROWS_PER_LABEL: Final = 36
LAYERS: Final = 2
EPOCHS: Final = 6
SEED: Final = 7
RATES: Final = tuple(float(f"{rate:.3g}") for rate in np.geomspace(2e-5, 5e-3, 9))
BATCH_SIZES: Final = (16, 32)
SMOOTHINGS: Final = (0.0, 0.1)


def main() -> None:
    """Train all combinations, and write their curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", help="absent: the sample tickets")
    source: Path | None = parser.parse_args().source
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        params = parameters(part(source, place) if source else {})
        curves = list(record(params, place))
        rows = {
            split: len(open_split(place / "tokens", split)) for split in ("train", "validation")
        }
    about = {
        "data": f"{params.project.name}, {len(load_task(params.task).labels)} labels",
        **rows,
        "encoder": f"the lowest {LAYERS} layers of {params.encoder.source}",
        "metric": "macro_f1",
        "epochs": EPOCHS,
    }
    lines = ",\n".join(json.dumps(curve) for curve in curves)
    path = RECORDED / f"curves_{params.project.name}.json"
    write_text(path, f'{{"about": {json.dumps(about)},\n"curves": [\n{lines}\n]}}\n')
    print(f"{path.relative_to(ROOT)}: {len(curves)} curves of {EPOCHS} epochs")


def part(source: Path, place: Path) -> dict[str, Any]:
    """Write a few rows of a few labels to a folder, and return what names them in params.yaml."""
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    with (source / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_label[row["category"]].append(row["text"])
    labels = sorted(by_label)[:LABELS]
    with (place / "part.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for label in labels:
            writer.writerows((text, label) for text in by_label[label][:ROWS_PER_LABEL])
    return {
        "project": {"name": "banking77"},
        "task": {"kind": "classification", "labels": labels, "out_of_scope": None},
        "ingestion": {
            "folder": str(place),
            "source": "part.csv",
            "columns": {
                "fields": {"text": "text", "label": "label"},
                "group": None,
                "header": None,
                "values": {},
                "slices": [],
            },
        },
    }


def parameters(named: dict[str, Any]) -> Params:
    """Return the parameters of a small part of the data."""
    tree = read_tree(ROOT / "params.yaml")
    tree["ingestion"] |= {"source": f"sample:tickets?rows={TICKETS}&seed=7"}
    tree["ingestion"] |= {"splits": {"validation": 0.25, "test": 0.01}}
    for section, values in named.items():
        tree[section] = tree[section] | values
    tree["encoder"]["layers"] = LAYERS
    tree["validation"]["min_rows_per_label"] = {"train": 1, "validation": 0, "test": 0}
    tree["augmentation"]["edits"] = dict.fromkeys(tree["augmentation"]["edits"], 0.0)
    return check_params(tree, "params.yaml")


def record(params: Params, place: Path) -> Iterator[dict[str, Any]]:
    """Yield what each combination scored after each epoch."""
    task, asked = load_task(params.task), params.encoder
    encoder = encoders.locate(asked.source, asked.sha256, place / "encoder")
    encoder = shortened(encoder, asked.layers, place / "shortened")
    prepare(params, task, encoder, place)
    for rate, size, smoothing in itertools.product(RATES, BATCH_SIZES, SMOOTHINGS):
        values = {"learning_rate": rate, "batch_size": size, "label_smoothing": smoothing}
        rest = {"epochs": EPOCHS, "patience": EPOCHS}
        section = TrainingParams.model_validate(params.training.model_dump() | values | rest)
        fitted = fit(task, section, encoder, place / "tokens", SEED)
        scores = [round(epoch.score, 5) for epoch in fitted.history]
        print(rate, size, smoothing, *scores, flush=True)
        yield values | {"scores": scores}


if __name__ == "__main__":
    main()
