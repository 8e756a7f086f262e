"""In: toy bundles. Out: data that their key words decide, and the reports that are true of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.files import read_json, sha256_file, write_json
from components.records import write_card, write_split
from components.schema import SPLITS, example_schema
from tests.components.toy_bundles import LABELS, WORDS

COSTS = {
    "calibration": {
        "error": 0.05,
        "bins": [
            {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
            {"low": 0.5, "high": 1.0, "rows": 120, "confidence": 0.96, "accuracy": 0.9},
        ],
    },
    "latency": {"requests": 200, "p50_ms": 3.1, "p95_ms": 4.2},
    "throughput_per_second": 400.0,
    "size_bytes": 22_900_000,
}
PARITY = {
    "rows": 120,
    "artifacts": {
        name: {
            "max_logit_difference": difference,
            "disagreements": other,
            "batch_dependent": 0,
            "broken": other,
            "fixed": 0,
            "neutral": 0,
        }
        for name, difference, other in (("onnx", 1e-6, 0), ("int8", 0.1, 1))
    },
    "flips": [
        {
            "id": "validation-1",
            "text": "<script>alert(1)</script>",
            "label": "track",
            "torch": "track",
            "int8": "refund",
            "kind": "broken",
        }
    ],
    "ladder": [],
    "chosen": "static",
}


def make_data(out: Path, rows: int = 120, wrong: float = 0.0) -> Path:
    """Write three splits; a share `wrong` of the test labels is not what the words say."""
    rng = np.random.default_rng(0)
    schema = example_schema({"text": "string", "label": "string"}, ["channel"])
    for split in SPLITS:
        table = []
        for row in range(rows):
            word = list(WORDS)[row % 5]
            label = WORDS[word]
            if rng.random() < wrong:
                label = (label + 1) % len(LABELS)
            table.append(
                {
                    "id": f"{split}-{row}",
                    "group": f"customer-{row // 2}",
                    "split": split,
                    "source_row": row,
                    "text": f"{word} please <b>{split} {row}</b>",
                    "label": LABELS[label],
                    "slice_channel": ["mail", "chat"][row % 2],
                }
            )
        write_split(out, split, pa.Table.from_pylist(table, schema=schema))
    write_card(out, "d" * 64, licence="CC0-1.0", splits=dict.fromkeys(SPLITS, rows))
    return out


def make_reports(
    bundle: Path, data: Path, out: Path, others: Mapping[str, Path] | None = None
) -> tuple[Path, Path]:
    """Write what evaluation, validation and export would; the pictures are empty.

    Without bundles for the other artifacts, their reports tell the same of invented digests.
    """
    made = {"trained": bundle, "onnx": bundle, "int8": bundle, **(others or {})}
    tables = []
    for artifact, folder in made.items():
        report, table = _make_report(folder, data, artifact)
        if artifact != "int8" and folder == bundle:
            report["digest"] = hashlib.sha256(artifact.encode()).hexdigest()
        write_json(out / "evaluation" / f"{artifact}.json", report)
        tables.append(table)
    pq.write_table(pa.concat_tables(tables), out / "evaluation" / "predictions.parquet")
    (out / "evaluation" / "confusion.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    card = read_json(data / "card.json")
    held = {"rule": "no text is empty", "success": True}
    result = {"data": card["data"], "success": True, "splits": card["splits"], "rules": [held]}
    write_json(out / "validation" / "result.json", result)
    write_json(out / "parity.json", PARITY)
    return out / "evaluation", out / "parity.json"


def _make_report(bundle: Path, data: Path, artifact: str) -> tuple[dict[str, Any], pa.Table]:
    """Return what evaluation would tell of a bundle, and its predictions."""
    from components.inference import load_predictor
    from components.records import read_examples
    from components.tasks.base import metrics as score_all

    predictor = load_predictor(bundle, 1)
    examples = read_examples(data, "test")
    task = predictor.bundle.task
    logits = predictor.logits(examples, 32)
    answers = task.decode(logits)
    index = {label: i for i, label in enumerate(task.labels)}
    confusion = np.zeros((len(index), len(index)), dtype=int)
    for example, answer in zip(examples, answers, strict=True):
        if example["label"] in index:
            confusion[index[example["label"]], index[answer.label]] += 1
    known = all(example["label"] in index for example in examples)
    metrics = score_all(task, examples, logits) if known else {"accuracy": 0.0}
    table = {
        "id": [example["id"] for example in examples],
        "artifact": [artifact] * len(examples),
        "label": [example["label"] for example in examples],
        "answer": [answer.label for answer in answers],
        "score": [answer.score for answer in answers],
    }
    report = {
        "artifact": artifact,
        "digest": predictor.bundle.digest,
        "split": "test",
        "data": sha256_file(data / "test.parquet"),
        "rows": len(examples),
        "metrics": metrics,
        "confusion": confusion.tolist(),
        "labels": [
            {"label": label, "precision": 0.9, "recall": 0.9, "f1": 0.9, "rows": 40}
            for label in task.labels
        ],
        "slices": [
            {"column": "channel", "value": "mail", "rows": 60, "metrics": metrics},
            {"column": "channel", "value": "fax", "rows": 2, "metrics": None},
        ],
        **COSTS,
    }
    return report, pa.table(table)
