"""In: nothing. Out: toy bundles that answer by key words, and the reports on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.files import read_json, sha256_file, write_json
from components.schema import example_schema

LABELS = ("track", "refund", "login")
WORDS = {"parcel": 0, "money": 1, "password": 2, "odd": 0, "even": 1, "please": 0}

LENGTH = 16
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

Weights = Mapping[str, int]
MakeBundle = Callable[..., Path]


@pytest.fixture(scope="session")
def toy_bundle() -> MakeBundle:
    """Make an int8-like bundle whose answer is the label that its words vote for."""
    return _make_bundle


@pytest.fixture(scope="session")
def toy_trained() -> MakeBundle:
    """Make the torch bundle that answers by key words as a toy bundle does."""
    return _make_trained


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
    artifact: str = "int8",
) -> Path:
    """Write a bundle; `votes` moves words to other labels, and so plants mistakes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    words = _words(out, votes)
    table = np.zeros((len(words) + 2, len(labels)), dtype=np.float32)
    for row, (word, label) in enumerate(words.items(), start=2):
        table[row, label] = strength if word != "please" else 0.0
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
    _seal(out, artifact, labels, lineage)
    return out


def _make_trained(
    out: Path,
    votes: Weights | None = None,
    labels: Sequence[str] = LABELS,
    strength: float = 4.0,
    lineage: str = "lineage-1",
) -> Path:
    """Write a BERT without layers, which reads the first word only: the key word of toy data."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    words = _words(out, votes)
    width = len(words) + 2
    config = BertConfig(
        vocab_size=width,
        hidden_size=width,
        num_hidden_layers=0,
        num_attention_heads=1,
        intermediate_size=1,
        max_position_embeddings=LENGTH,
        num_labels=len(labels),
    )
    model = BertForSequenceClassification(config)
    state = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    state["bert.embeddings.word_embeddings.weight"] = torch.eye(width)
    state["bert.embeddings.LayerNorm.weight"] += 1
    # What the norm takes off everywhere is given back, so that other words have 0.
    state["bert.embeddings.LayerNorm.bias"] += (width - 1) ** -0.5
    state["bert.pooler.dense.weight"] = torch.eye(width)
    for row, label in enumerate(words.values(), start=2):
        state["classifier.weight"][label, row] = strength
    model.load_state_dict(state, strict=False)
    model.save_pretrained(out)
    _seal(out, "trained", labels, lineage)
    return out


def _words(out: Path, votes: Weights | None) -> Weights:
    """Make the folder with a tokenizer of the words; return the label that each votes for."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = {**WORDS, **(votes or {})}
    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    out.mkdir(parents=True)
    tokenizer.save(str(out / "tokenizer.json"))
    return words


def _seal(out: Path, artifact: str, labels: Sequence[str], lineage: str) -> None:
    from components.inference import BundleCard, seal

    card = {
        "format": 2,
        "artifact": artifact,
        "task": {"kind": "classification", "labels": list(labels)},
        "max_length": LENGTH,
        "pad_id": 0,
        "lineage": {"id": lineage, "data": "d" * 64, "code": "c" * 64, "params": "p" * 64},
    }
    seal(out, BundleCard.model_validate(card))


def _make_data(out: Path, rows: int = 120, wrong: float = 0.0) -> Path:
    """Write three splits; a share `wrong` of the test labels is not what the words say."""
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
                    "text": f"{word} please <b>{split} {row}</b>",
                    "label": LABELS[label],
                    "slice_channel": ["mail", "chat"][row % 2],
                }
            )
        pq.write_table(pa.Table.from_pylist(table, schema=schema), out / f"{split}.parquet")
    digests = {s: sha256_file(out / f"{s}.parquet") for s in ("train", "validation", "test")}
    card = {"data": "d" * 64, "sha256": digests, "licence": "CC0-1.0"}
    write_json(out / "card.json", {**card, "splits": dict.fromkeys(digests, rows)})
    return out


def _make_reports(
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
    metrics = task.metrics(examples, logits) if known else {"accuracy": 0.0}
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
