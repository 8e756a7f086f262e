"""In: nothing. Out: toy bundles that answer by key words, and the reports on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.files import sha256_file, write_json
from components.schema import example_schema

LABELS = ("track", "refund", "login")
WORDS = {"parcel": 0, "money": 1, "password": 2, "odd": 0, "even": 1, "please": 0}

Weights = Mapping[str, int]
MakeBundle = Callable[..., Path]


@pytest.fixture(scope="session")
def toy_bundle() -> MakeBundle:
    """Make an int8-like bundle whose answer is the label that its words vote for."""
    return _make_bundle


@pytest.fixture(scope="session")
def toy_data() -> Callable[..., Path]:
    """Make a data folder: each text has one key word, true labels as the words say."""
    return _make_data


@pytest.fixture(scope="session")
def toy_reports() -> Callable[..., tuple[Path, Path]]:
    """Make evaluation folder and parity file that are true of a toy bundle and toy data."""
    return _make_reports


def _make_bundle(
    out: Path,
    votes: Weights | None = None,
    labels: Sequence[str] = LABELS,
    strength: float = 4.0,
    lineage: str = "lineage-1",
) -> Path:
    """Write a bundle; `votes` moves words to other labels, and so plants mistakes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    from components.inference import BundleCard, seal

    words = {**WORDS, **(votes or {})}
    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", *words])}
    table = np.zeros((len(vocabulary), len(labels)), dtype=np.float32)
    for word, label in words.items():
        table[vocabulary[word], label] = strength if word != "please" else 0.0
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    out.mkdir(parents=True)
    tokenizer.save(str(out / "tokenizer.json"))
    ids = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"])
        for n in ("input_ids", "attention_mask")
    ]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(labels)])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["rows", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis"], ["logits"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([2]), "last"),
        numpy_helper.from_array(np.array([1]), "axis"),
    ]
    graph = helper.make_graph(nodes, "toy", ids, [logits], constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    helper.set_model_props(model, {"lineage": lineage})
    onnx.save(model, str(out / "model.onnx"))
    card = BundleCard(
        format=1,
        artifact="int8",
        task={"kind": "classification", "labels": list(labels)},
        max_length=16,
        pad_id=0,
        lineage={"id": lineage, "data": "d" * 64, "code": "c" * 64, "params": "p" * 64},
    )
    seal(out, card)
    return out


def _make_data(out: Path, rows: int = 120, wrong: float = 0.0) -> Path:
    """Write three splits; a share `wrong` of the test labels is not what the words say."""
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    out.mkdir(parents=True)
    schema = example_schema({"text": "string", "label": "string"}, ["channel"])
    for split in ("train", "validation", "test"):
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
                    "text": f"please {word} <b>{row}</b>",
                    "label": LABELS[label],
                    "slice_channel": ["mail", "chat"][row % 2],
                }
            )
        pq.write_table(pa.Table.from_pylist(table, schema=schema), out / f"{split}.parquet")
    digests = {s: sha256_file(out / f"{s}.parquet") for s in ("train", "validation", "test")}
    write_json(out / "card.json", {"data": "d" * 64, "sha256": digests, "licence": "CC0-1.0"})
    return out


def _make_reports(bundle: Path, data: Path, out: Path) -> tuple[Path, Path]:
    """Write what evaluation and export would; the pictures are empty."""
    from components.inference import load_predictor
    from components.records import read_examples

    predictor = load_predictor(bundle, 1)
    examples = read_examples(data, "test")
    task = predictor.bundle.task
    logits = predictor.logits(examples, 32)
    answers = task.decode(logits)
    index = {label: i for i, label in enumerate(task.labels)}
    known = [e for e in examples if e["label"] in index]
    confusion = np.zeros((len(index), len(index)), dtype=int)
    for example, answer in zip(examples, answers, strict=True):
        if example["label"] in index:
            confusion[index[example["label"]], index[answer.label]] += 1
    metrics = task.metrics(known, logits) if len(known) == len(examples) else {"accuracy": 0.0}
    report: dict[str, Any] = {
        "digest": predictor.bundle.digest,
        "split": "test",
        "data": sha256_file(data / "test.parquet"),
        "rows": len(examples),
        "metrics": metrics,
        "calibration": {
            "error": 0.05,
            "bins": [
                {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
                {"low": 0.5, "high": 1.0, "rows": 120, "confidence": 0.96, "accuracy": 0.9},
            ],
        },
        "labels": [
            {"label": label, "precision": 0.9, "recall": 0.9, "f1": 0.9, "rows": 40}
            for label in task.labels
        ],
        "confusion": confusion.tolist(),
        "slices": [
            {"column": "channel", "value": "mail", "rows": 60, "metrics": metrics},
            {"column": "channel", "value": "fax", "rows": 2, "metrics": None},
        ],
        "latency": {"requests": 200, "p50_ms": 3.1, "p95_ms": 4.2},
        "throughput_per_second": 400.0,
        "size_bytes": 22_900_000,
    }
    for artifact in ("trained", "onnx", "int8"):
        digest = (
            report["digest"]
            if artifact == "int8"
            else hashlib.sha256(artifact.encode()).hexdigest()
        )
        write_json(
            out / "evaluation" / f"{artifact}.json",
            {**report, "artifact": artifact, "digest": digest},
        )
    (out / "evaluation" / "confusion.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    parity = {
        "rows": 120,
        "fp32": {"max_logit_difference": 1e-6, "disagreements": 0},
        "int8": {
            "max_logit_difference": 0.1,
            "disagreements": 1,
            "batch_dependent": 0,
            "examples": [
                {
                    "id": "validation-1",
                    "text": "<script>alert(1)</script>",
                    "label": "track",
                    "torch": "track",
                    "int8": "refund",
                }
            ],
        },
    }
    write_json(out / "parity.json", parity)
    return out / "evaluation", out / "parity.json"
