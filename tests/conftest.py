"""In: nothing. Out: a toy task and a tiny encoder for every test; no network."""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

from components.files import sha256_file
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.classification import Options

ROOT = Path(__file__).resolve().parents[1]
WORDS = (
    "where is my order parcel refund money back charged twice card cancel change address "
    "password reset login late missing broken item wrong please help i want the a to for it "
    "has not arrived yet this invoice send me copy of was your and"
).split()  # noqa: SIM905 - reads better as a sentence


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def task() -> Task:
    """A classification task with three labels."""
    return load_task(Options(kind="classification", labels=("track", "refund", "login")))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer BERT of width 32, its config and its tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny_encoder")
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list("0123456789.,!?'-#")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({*WORDS, *letters})]
    vocabulary += [f"##{letter}" for letter in letters]
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        pad_token_id=0,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder_sha256(tiny_encoder: Path) -> dict[str, str]:
    """The digests of the tiny encoder's files, as params.yaml would name them."""
    names = ("config.json", "model.safetensors", "tokenizer.json")
    return {name: sha256_file(tiny_encoder / name) for name in names}


@pytest.fixture
def params_tree(root: Path) -> dict[str, object]:
    """params.yaml as plain values, for tests to alter."""
    from components.params.load import read_tree

    tree = read_tree(root / "params.yaml")
    return json.loads(json.dumps(tree))
