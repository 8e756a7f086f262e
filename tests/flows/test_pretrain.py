from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components import encoders
from components.errors import DataError
from components.files import read_json
from components.params import (
    EncoderParams,
    PretrainingParams,
    ProjectParams,
    TokenizationParams,
    TrainingParams,
)
from components.records import read_examples
from components.tasks.base import Task
from flows.pretrain import pretrain, read_texts


@pytest.fixture
def ask(  # noqa: PLR0913, PLR0917 - fixtures
    task: Task,
    tiny_encoder: Path,
    tiny_encoder_sha256: dict[str, str],
    example_folder: Path,
    params_tree: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., str]:
    """Pretrain the tiny encoder on a file of texts."""
    monkeypatch.chdir(tmp_path)
    source = {"source": f"path:{tiny_encoder}", "sha256": tiny_encoder_sha256}
    small = {"epochs": 1, "held_out_share": 0.2}

    def run(texts: Path, **options: Any) -> str:
        return pretrain(
            ProjectParams(name="tiny", seed=7),
            task.options,
            EncoderParams.model_validate(params_tree["encoder"] | source),
            PretrainingParams.model_validate(params_tree["pretraining"] | small),
            TokenizationParams(max_length=32, max_truncated_share=1.0),
            TrainingParams.model_validate_json(json.dumps(params_tree["training"])),
            texts,
            examples=example_folder,
            **options,
        )

    return run


def test_what_is_printed_names_the_new_encoder(
    ask: Callable[..., str],
    example_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = [row["text"] for row in read_examples(example_folder, "train")]
    Path("own.txt").write_text("\n".join(texts) + "\n\n", encoding="utf-8")
    assert ask(Path("own.txt")).startswith("a hidden word is one of ")
    printed = capsys.readouterr().out
    section = YAML(typ="safe", pure=True).load(printed)["encoder"]
    found = EncoderParams.model_validate(section)
    folder = encoders.locate(found.source, found.sha256, Path("cache"))
    assert read_json(folder / "pretraining.json")["params"]["pretraining"]["epochs"] == 1
    assert not any(Path(".state/checkpoints").glob("*"))


def test_texts_that_judge_are_left_out(
    ask: Callable[..., str], example_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = [row["text"] for row in read_examples(example_folder, "test")]
    own = [row["text"] for row in read_examples(example_folder, "train")]
    Path("own.txt").write_text("\n".join([*own, *(text.upper() + " !" for text in judge)]))
    ask(Path("own.txt"))
    assert f"left out: {len(judge)} of the validation and test" in capsys.readouterr().err


def test_too_few_texts_are_refused(ask: Callable[..., str]) -> None:
    Path("one.txt").write_text("where is my order")
    with pytest.raises(DataError, match=r"found 1 and 0|found 0 and 1"):
        ask(Path("one.txt"))


def test_texts_are_read_from_lines_and_from_columns(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\n  two \n")
    (tmp_path / "b.csv").write_text('body\n"one"\n"two, three"\n')
    assert list(read_texts(tmp_path / "a.txt", "text")) == ["one", "two"]
    assert list(read_texts(tmp_path / "b.csv", "body")) == ["one", "two, three"]
    with pytest.raises(DataError, match="is missing"):
        list(read_texts(tmp_path / "none.txt", "text"))
