"""In: key words, and the label that each votes for. Out: bundles that answer by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.files import read_json, write_json
from components.inference.bundle import CARD, CONFIG, GRAPH, WEIGHTS

LABELS = ("track", "refund", "login")
WORDS = {"parcel": 0, "money": 1, "password": 2, "odd": 0, "even": 1, "please": 0}
LENGTH = 16

Weights = Mapping[str, int]


def make_bundle(
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


def make_trained(
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
        "lineage": {
            "id": lineage,
            "data": "d" * 64,
            "code": "c" * 64,
            "params": "p" * 64,
            "lock": "k" * 64,
            "encoder": "e" * 64,
        },
    }
    seal(out, BundleCard.model_validate(card))


def grow(bundle: Path, size: int) -> None:
    """Add `size` bytes of weights that no answer depends on, as if the model were as large."""
    from components.inference import BundleCard, seal

    if (bundle / GRAPH).exists():
        _grow_graph(bundle, size)
    else:
        _grow_weights(bundle, size)
    seal(bundle, BundleCard.model_validate_json((bundle / CARD).read_text()))


def _grow_graph(bundle: Path, size: int) -> None:
    """Add an array that no node reads."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(bundle / GRAPH))
    weights = np.random.default_rng(0).integers(-128, 127, size, dtype=np.int8)
    graph.graph.initializer.append(numpy_helper.from_array(weights, "unread"))
    onnx.save(graph, str(bundle / GRAPH))


def _grow_weights(bundle: Path, size: int) -> None:
    """Add positions that no text is long enough for."""
    from safetensors.numpy import load_file, save_file

    weights = load_file(bundle / WEIGHTS)
    (name,) = [name for name in weights if "position_embeddings" in name]
    short = weights[name]  # (positions, width)
    positions = size // short[0].nbytes
    weights[name] = np.zeros((positions, short.shape[1]), dtype=short.dtype)
    weights[name][: len(short)] = short
    save_file(weights, bundle / WEIGHTS, metadata={"format": "pt"})
    config = read_json(bundle / CONFIG) | {"max_position_embeddings": positions}
    write_json(bundle / CONFIG, config)
