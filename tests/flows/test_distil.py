"""In: a search and a number of teachers. Out: proof of who teaches, and that none does so twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

import flows.distil as module
from components.errors import DivergenceError
from components.files import read_json
from components.inference import load_bundle
from components.params import DistillationParams, EncoderParams, ProjectParams, TrainingParams
from components.params.sections import TokenizationParams
from components.tasks.base import Task
from components.tokenization import tokenize
from components.tokens import open_split, read_token_card
from components.training import fit
from components.training.distil import SOFT
from flows.distil import Lessons, School, teach, values_of
from flows.progress import trainings
from flows.train import train

TRIALS: list[dict[str, Any]] = [
    {"number": 0, "state": "complete", "score": 0.5, "learning_rate": 3e-4, "batch_size": 16},
    {"number": 1, "state": "pruned", "score": 0.9, "learning_rate": 1e-3, "batch_size": 8},
    {"number": 2, "state": "complete", "score": 0.7, "learning_rate": 2e-3, "batch_size": 32},
    {"number": 3, "state": "failed", "score": None, "learning_rate": 5e-1, "batch_size": 8},
]


def asked(**values: Any) -> DistillationParams:
    base: dict[str, Any] = {"teachers": 3, "values": "trials", "temperature": 2.0, "share": 0.5}
    return DistillationParams(**base | values)


@pytest.fixture
def search(tmp_path: Path) -> Path:
    folder = tmp_path / "search"
    folder.mkdir()
    best = {"trial": 0, "values": {"learning_rate": 3e-4, "batch_size": 16}}
    with (folder / "best.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(best, file)
    pq.write_table(pa.Table.from_pylist(TRIALS), folder / "trials.parquet")
    return folder


@pytest.fixture
def school(
    task: Task,
    tiny_encoder: Path,
    example_folder: Path,
    params_tree: Mapping[str, Any],
    search: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., School]:
    """Make a school in an empty working folder."""
    monkeypatch.chdir(search.parent)
    tokens = Path("tokens")
    tokenize(
        task,
        TokenizationParams(max_length=32, max_truncated_share=1.0),
        tiny_encoder,
        "toy",
        example_folder,
        tokens,
    )
    section = json.dumps(params_tree["training"] | {"epochs": 1})
    training = TrainingParams.model_validate_json(section)

    def make(**values: Any) -> School:
        return School(task, training, asked(**values), tiny_encoder, "toy", tokens, search, 7)

    return make


def taught(school: School) -> Lessons:
    with trainings("train") as board:
        return teach(school, board)


def test_best_trials_teach_in_their_order_and_from_the_first_again(search: Path) -> None:
    best, second = (
        {"learning_rate": 2e-3, "batch_size": 32},
        {"learning_rate": 3e-4, "batch_size": 16},
    )
    assert values_of(search, asked()) == [best, second, best]
    assert values_of(search, asked(values="winner")) == [second] * 3


def test_teachers_are_trained_once_and_differ(
    school: Callable[..., School], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    def counted(*arguments: Any) -> Any:
        rates.append(arguments[1].learning_rate)
        return fit(*arguments)

    monkeypatch.setattr(module, "fit", counted)
    first = taught(school())
    assert rates == [2e-3, 3e-4, 2e-3]
    ensemble = first.facts["ensemble"]
    assert len(ensemble["scores"]) == 3
    assert 0 <= ensemble["score"] <= 1
    answers = (first.tokens / SOFT).read_bytes()
    assert taught(school()).facts == first.facts
    # Other values of learning from them need no other teachers.
    hotter = taught(school(temperature=5.0))
    assert len(rates) == 3
    assert (hotter.tokens / SOFT).read_bytes() != answers
    assert read_token_card(hotter.tokens)["distillation"]["temperature"] == 5.0
    assert len(open_split(hotter.tokens, "train")) == len(open_split(Path("tokens"), "train"))
    assert not any(Path(".state/checkpoints").glob("*"))
    first.remove()
    assert not first.tokens.exists()


def test_a_kill_costs_no_teacher_that_was_done(
    school: Callable[..., School], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    resumed: list[int] = []

    def cut(*arguments: Any) -> Any:
        if len(done) == 2 and not resumed:
            raise KeyboardInterrupt
        done.append(1)
        return fit(*arguments)

    monkeypatch.setattr(module, "fit", cut)
    with pytest.raises(KeyboardInterrupt):
        taught(school())
    resumed.append(1)
    taught(school())
    assert len(done) == 3


def test_teacher_that_diverges_is_left_out(
    school: Callable[..., School], monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(*arguments: Any) -> Any:
        if arguments[1].learning_rate == 3e-4:
            raise DivergenceError("training: loss must be finite, found nan", "lower the rate")
        return fit(*arguments)

    monkeypatch.setattr(module, "fit", diverging)
    found = taught(school())
    assert [values["learning_rate"] for values in found.values] == [2e-3, 2e-3]
    with pytest.raises(DivergenceError, match="no teacher came to its end"):
        taught(school(values="winner"))


def test_model_says_who_taught_it(
    school: Callable[..., School],
    tiny_encoder_sha256: dict[str, str],
    params_tree: dict[str, Any],
) -> None:
    found = school()
    source = {"source": f"path:{found.encoder}", "sha256": tiny_encoder_sha256}

    def trained(teachers: int, out: Path) -> str:
        return train.fn(
            ProjectParams(name="tiny", seed=7),
            found.task.options,
            EncoderParams.model_validate(params_tree["encoder"] | source),
            found.training,
            asked(teachers=teachers),
            found.tokens,
            found.search,
            out,
        )

    trained(0, Path("alone"))
    assert "teachers" in trained(2, Path("taught"))
    alone, taught_ = (read_json(Path(name) / "training.json") for name in ("alone", "taught"))
    assert "ensemble" not in alone
    assert taught_["ensemble"]["teachers"] == len(taught_["ensemble"]["scores"]) == 2
    one, two = (load_bundle(Path(name)).card.lineage for name in ("alone", "taught"))
    assert one["params"] != two["params"]
    assert one["data"] == two["data"]
    # Two teachers are kept; what was learned from is gone.
    assert sorted(len(path.name) for path in Path(".state/teachers").iterdir()) == [16, 16]
