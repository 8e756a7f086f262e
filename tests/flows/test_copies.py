"""In: tokens with altered copies, and a verdict on them. Out: proof of what a model learns from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from components.files import read_json, sha256_file, write_json
from components.inference import load_bundle
from components.params import (
    DistillationParams,
    EncoderParams,
    ProjectParams,
    SearchParams,
    TrainingParams,
)
from components.params.sections import TokenizationParams
from components.records import write_card, write_split
from components.schema import example_schema
from components.search import Inline, Searched, StudyPlace, run_search
from components.tasks.base import Task
from components.tokenization import tokenize
from components.tokens import open_altered, open_split
from flows.copies import copies_told, learned_from, originals
from flows.search import asked_about, figure
from flows.train import train
from flows.trial import Training
from tests.flows.projects import DECIDING, OTHERS

# Of each row one copy: the copies are half of the rows.
OFF = {"verdict": "off", "rows": 2, "copies": 1, "sentence": "They are not shown to help."}
EPOCHS = 2


Row = tuple[str, str]
LABELS = tuple(DECIDING)
WRONG = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))


def texts(count: int, words: int, seed: int) -> list[Row]:
    """Write texts that mean what one of the first so many deciding words of their label says."""
    rng = np.random.default_rng(seed)
    found = []
    for row in range(count):
        label = LABELS[row % len(LABELS)]
        said = [*rng.choice(OTHERS, 2), rng.choice(DECIDING[label][:words])]
        found.append((" ".join(rng.permutation(said)), label))
    return found


ROWS, COPIES = texts(30, 1, 1), texts(30, 4, 2)


@pytest.fixture
def tokens(
    task: Task, quick_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Tokenize, in an empty working folder, training rows and a copy of each."""
    monkeypatch.chdir(tmp_path)
    params = TokenizationParams(max_length=32, max_truncated_share=1.0)
    schema = example_schema({"text": "string", "label": "string"}, (), augmented=True)

    def make(name: str, rows: Sequence[Row], copies: Sequence[Row] = ()) -> Path:
        splits = {
            "train": [*rows, *copies],
            "validation": texts(120, 4, 3),
            "test": texts(3, 4, 4),
        }
        for split, given in splits.items():
            table = [
                {
                    "id": f"{split}{row}",
                    "group": f"{row}",
                    "split": split,
                    "source_row": row,
                    "text": text,
                    "label": label,
                    "parent_id": f"train{row % len(rows)}"
                    if split == "train" and row >= len(rows)
                    else None,
                }
                for row, (text, label) in enumerate(given)
            ]
            path = Path(f"data-{name}")
            write_split(path, split, pa.Table.from_pylist(table, schema=schema))  # type: ignore[arg-type]
        write_card(Path(f"data-{name}"), data="d" * 64)
        tokenize(task, params, quick_encoder, "toy", Path(f"data-{name}"), tmp_path / name)
        return Path(name)

    return make


@pytest.fixture
def quick_encoder(learning: dict[str, Any]) -> Path:
    """An encoder that learns what single words mean in seconds."""
    return Path(learning["encoder"]["source"].removeprefix("path:"))


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., Path]:
    """Make a search whose winner is the training section, with a verdict on copies."""

    def make(name: str, verdict: Mapping[str, Any] | None) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        with (folder / "best.yaml").open("w") as file:
            YAML(typ="safe", pure=True).dump({"trial": 0, "values": {"batch_size": 16}}, file)
        if verdict:
            write_json(folder / "ablation.json", dict(verdict))
        return folder

    return make


@pytest.fixture
def trained(
    task: Task, learning: dict[str, Any], params_tree: dict[str, Any]
) -> Callable[..., str]:
    def run(tokens: Path, search: Path, out: str, epochs: int = EPOCHS, teachers: int = 0) -> str:
        section = json.dumps(params_tree["training"] | {"epochs": epochs, "patience": epochs})
        return str(
            train.fn(
                ProjectParams(name="tiny", seed=7),
                task.options,
                EncoderParams.model_validate(learning["encoder"]),
                TrainingParams.model_validate_json(section),
                DistillationParams(teachers=teachers, values="winner", temperature=2.0, share=0.5),
                tokens,
                search,
                Path(out),
            )
        )

    return run


def weights(out: str) -> str:
    return sha256_file(Path(out) / "model.safetensors")


def test_without_copies_it_is_the_model_of_data_in_which_each_stands_twice(
    tokens: Callable[..., Path], search: Callable[..., Path], trained: Callable[..., str]
) -> None:
    """To the bit, and for as many steps."""
    both, bare = tokens("both", ROWS, COPIES), tokens("bare", [*ROWS, *ROWS])
    assert open_altered(both).mean() == 0.5
    told = trained(both, search("off", OFF), "off")
    trained(bare, search("never", None), "never")
    assert weights("off") == weights("never")
    assert f"{open_altered(both).sum()} altered copies left out" in told
    assert not Path(".state/originals-0").exists()


def test_copies_that_help_or_that_nobody_asked_about_are_trained_on(
    tokens: Callable[..., Path], search: Callable[..., Path], trained: Callable[..., str]
) -> None:
    both = tokens("both", ROWS, COPIES)
    told = trained(both, search("on", OFF | {"verdict": "on"}), "on")
    trained(both, search("unasked", None), "unasked")
    trained(both, search("off", OFF), "off")
    assert weights("on") == weights("unasked") != weights("off")
    assert "left out" not in told


def test_history_and_lineage_say_what_became_of_copies(
    tokens: Callable[..., Path], search: Callable[..., Path], trained: Callable[..., str]
) -> None:
    both = tokens("both", ROWS, COPIES)
    trained(both, search("on", OFF | {"verdict": "on"}), "on")
    trained(both, search("off", OFF), "off")
    facts = {name: read_json(Path(name) / "training.json")["copies"] for name in ("on", "off")}
    rows = int(open_altered(both).sum())
    assert facts["off"] == {"rows": rows, "used": False, "sentence": OFF["sentence"]}
    assert copies_told(facts["off"]) == f"{rows} left out, not shown to help"
    assert copies_told(facts["on"]) == f"{rows} trained on"
    assert copies_told(None) == "none"
    on, off = (load_bundle(Path(name)).card.lineage for name in ("on", "off"))
    assert on["id"] != off["id"]
    assert on["data"] == off["data"]


def test_teachers_learn_from_the_rows_that_their_pupil_learns_from(
    tokens: Callable[..., Path], search: Callable[..., Path], trained: Callable[..., str]
) -> None:
    both, off = tokens("both", ROWS, COPIES), search("off", OFF)
    told = trained(both, off, "taught", teachers=1)
    assert "1 teachers together" in told
    (kept,) = Path(".state/teachers").iterdir()
    with learned_from(both, off) as rows:
        assert len(np.load(kept / "train.npy")) == len(open_split(rows.tokens, "train"))


def test_originals_stand_where_their_copies_stood(tokens: Callable[..., Path]) -> None:
    both, bare = tokens("both", ROWS, COPIES), tokens("bare", [*ROWS, *ROWS])
    with originals(both, Path("apart")) as kept:
        found, expected = open_split(kept, "train"), open_split(bare, "train")
        assert found.input_ids.tolist() == expected.input_ids.tolist()
        assert found.targets.tolist() == expected.targets.tolist()
        assert not open_altered(kept).any()
    assert not Path("apart").exists()


@pytest.fixture
def ask(
    task: Task, quick_encoder: Path, params_tree: dict[str, Any], tmp_path: Path
) -> Callable[..., Searched]:
    """Search, training a tiny encoder for real, whether copies help."""

    def run(tokens: Path, **values: Any) -> Searched:
        tree = params_tree["search"] | {
            "trials": 1,
            "epochs": 6,
            "finalists": {"trials": 1, "seeds": 0, "minutes": None},
            "ablation": {"seeds": 2, "resamples": 200, "confidence": 0.95},
            **values,
        }
        section = params_tree["training"] | {"learning_rate": 3e-3, "batch_size": 8, "patience": 6}
        place = StudyPlace(tmp_path / "studies", "toy", checkpoints=tmp_path / "checkpoints")
        with originals(tokens, tmp_path / "apart") as apart:
            trains = Training(task.options, quick_encoder, "toy", tokens.resolve(), apart)
            return run_search(
                SearchParams.model_validate_json(json.dumps(tree)),
                TrainingParams.model_validate_json(json.dumps(section)),
                7,
                Inline(trains),
                place,
                copies=asked_about(task, tokens),
            )

    return run


def test_copies_that_bring_words_of_validation_are_shown_to_help(
    tokens: Callable[..., Path], ask: Callable[..., Searched]
) -> None:
    """The rows know one word of each label, their copies all four."""
    found = ask(tokens("help", texts(30, 1, 1), texts(70, 4, 2)))
    assert found.ablation is not None
    assert found.ablation.verdict == "on"
    assert found.ablation.low is not None
    assert found.ablation.low > 0
    assert figure(found).endswith("altered copies help")


def test_copies_with_wrong_labels_are_found_out(
    tokens: Callable[..., Path], ask: Callable[..., Searched]
) -> None:
    rows = texts(35, 4, 1)
    found = ask(tokens("harm", rows, [(text, WRONG[label]) for text, label in rows * 2]))
    assert found.ablation is not None
    assert found.ablation.verdict == "off"
    assert found.ablation.high is not None
    assert found.ablation.high < 0
    assert figure(found).endswith("altered copies are not shown to help")
