"""In: nothing. Out: a toy task and a tiny encoder for every test; no network."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

from benchmarks.postgres import temporary_postgres
from components.files import sha256_file
from components.tasks import load_task
from components.tasks.base import Task
from components.tasks.classification import Options

ROOT = Path(__file__).resolve().parents[1]
WORDS = (  # noqa: SIM905 - reads better as a sentence
    "where is my order parcel refund money back charged twice card cancel change address "
    "password reset login late missing broken item wrong please help i want the a to for it "
    "has not arrived yet this invoice send me copy of was your and"
).split()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[str, str], str]]:
    """Addresses of fresh databases of a real PostgreSQL: `postgres_url("name", "psycopg")`."""
    with temporary_postgres() as url:
        if url is None:
            pytest.skip("PostgreSQL is not installed: initdb and pg_ctl were not found")
        yield url


@pytest.fixture(scope="session")
def task() -> Task:
    """A classification task with three labels."""
    return load_task(
        Options(kind="classification", labels=("track", "refund", "login"), out_of_scope=None)
    )


@pytest.fixture(scope="session")
def tiny_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tokenizer and the config of the tiny encoder; made without torch."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("tiny_tokenizer")
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list("0123456789.,!?'-#")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({*WORDS, *letters})]
    vocabulary += [f"##{letter}" for letter in letters]
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "bert",
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer BERT of width 32, its config and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny_encoder")
    (folder / "tokenizer.json").write_bytes((tiny_tokenizer / "tokenizer.json").read_bytes())
    torch.manual_seed(0)
    BertModel(BertConfig.from_pretrained(tiny_tokenizer)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder_sha256(tiny_encoder: Path) -> dict[str, str]:
    """The digests of the tiny encoder's files, as params.yaml would name them."""
    names = ("config.json", "model.safetensors", "tokenizer.json")
    return {name: sha256_file(tiny_encoder / name) for name in names}


@pytest.fixture(scope="session")
def tiny_guesser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small masked language model that has learned a few sentences."""
    from tests.models import make_guesser

    return make_guesser(tmp_path_factory.mktemp("tiny_guesser"))


@pytest.fixture(scope="session")
def tiny_translators(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders with two small models that translate word by word, there and back."""
    from tests.models import make_translators

    there, back = (tmp_path_factory.mktemp(name) for name in ("tiny_there", "tiny_back"))
    return make_translators(there, back)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let children be interrupted, also where the tests run in a shell's background.

    Such a shell ignores SIGINT, and a process that ignores a signal hands that on.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def params_tree(root: Path) -> dict[str, object]:
    """params.yaml as plain values, for tests to alter."""
    from components.params.load import read_tree

    tree = read_tree(root / "params.yaml")
    return json.loads(json.dumps(tree))


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three splits of texts from the tiny encoder's words, and two slices."""
    import numpy as np
    import pyarrow as pa

    from components.records import write_card, write_split
    from components.schema import SPLITS, example_schema

    folder = tmp_path_factory.mktemp("examples")
    schema = example_schema({"text": "string", "label": "string"}, ["channel", "segment"])
    random = np.random.default_rng(0)
    for split, rows in zip(SPLITS, (60, 24, 40), strict=True):
        table = [
            {
                "id": f"{split}-{row}",
                "group": f"customer-{row}",
                "split": split,
                "source_row": row,
                "text": " ".join(random.choice(WORDS, random.integers(2, 20))),
                "label": ("track", "refund", "login")[row % 3],
                "slice_channel": ("mail", "chat")[row % 2],
                "slice_segment": None if row % 10 else "rare",
            }
            for row in range(rows)
        ]
        write_split(folder, split, pa.Table.from_pylist(table, schema=schema))
    write_card(folder, licence="CC0-1.0")
    return folder


@pytest.fixture(scope="session")
def trained_bundle(
    tiny_encoder: Path, task: Task, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle as `train` makes it, of a random model that tells texts apart."""
    import shutil

    import torch
    from transformers import BertForSequenceClassification, logging

    from components.inference import BundleCard, seal
    from components.inference.bundle import FORMAT

    folder = tmp_path_factory.mktemp("models") / "trained"
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    model = BertForSequenceClassification.from_pretrained(tiny_encoder, num_labels=3)
    with torch.no_grad():
        # Freshly drawn weights are so small that every text gets nearly the same answer.
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(8)
    model.save_pretrained(folder)
    shutil.copyfile(tiny_encoder / "tokenizer.json", folder / "tokenizer.json")
    card = BundleCard(
        format=FORMAT,
        artifact="trained",
        task=task.options.stored(),
        max_length=32,
        pad_id=0,
        lineage={"id": "0" * 64, "data": "1" * 64},
    )
    seal(folder, card)
    return folder


@pytest.fixture(scope="session")
def bundles(trained_bundle: Path, example_folder: Path) -> dict[str, Path]:
    """The same model as all three artifacts, by name."""
    from components.export import export
    from components.params import ExportParams

    params = ExportParams.model_validate(
        {
            "ladder": ["static"],
            # The labels are drawn by lot and the weights are random: rounding may turn anything.
            "accept": {
                "batch_dependent": 0,
                "broken_share": 1.0,
                "accuracy_loss": 1.0,
                "latency_p95_ms": None,
                "size_mb": None,
            },
            "calibration_rows": 20,
            "max_logit_difference": 1e-3,
        }
    )
    folders = {name: trained_bundle.with_name(name) for name in ("onnx", "int8")}
    parity = trained_bundle.with_name("parity.json")
    export(params, 7, trained_bundle, example_folder, *folders.values(), parity)
    return {"trained": trained_bundle, **folders}
