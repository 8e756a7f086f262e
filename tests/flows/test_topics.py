"""In: a real bundle and texts with times. Out: proof that its answers are what is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError, ParamsError, TouchstoneError
from components.inference import load_predictor
from components.params import load_params
from flows.topics import topics

TEXTS = ("where is my parcel", "refund the money", "reset my password", "the card is broken")


def ask(root: Path, file: Path, bundle: Path | None, out: Path, **changes: Any) -> str:
    params = load_params(root / "params.yaml")
    section = params.topics.model_copy(update={"alarming": ("refund",), "min_texts": 1} | changes)
    return topics(params.project, params.evaluation, section, file, bundle, out)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    rows = [f"{text},2026-03-0{day}T12:00:00+01:00" for day in (1, 2) for text in TEXTS]
    path.write_text("\n".join(["text,time", *rows]) + "\n", encoding="utf-8")
    return path


def test_answers_are_those_of_the_bundle(
    root: Path, file: Path, bundles: dict[str, Path], tmp_path: Path
) -> None:
    said = ask(root, file, bundles["int8"], tmp_path / "topics.html")
    written = json.loads((tmp_path / "topics.json").read_text(encoding="utf-8"))
    assert written["sentence"] == said
    answers = load_predictor(bundles["int8"]).predict([{"text": text} for text in TEXTS], 4)
    labels = [answer.label for answer in answers]
    assert written["topics"]["all texts"]["2026-03-01T00:00:00+00:00"] == {
        label: labels.count(label) for label in sorted(set(labels))
    }
    assert "delivery" in written["topics"]


def test_mistakes_are_named_with_their_place(
    root: Path, file: Path, bundles: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "topics.html"
    with pytest.raises(ParamsError, match=r"topics\.alarming: the model has no label 'Bearish'"):
        ask(root, file, bundles["onnx"], out, alarming=("Bearish",))
    with pytest.raises(DataError, match=r"absent\.csv is missing"):
        ask(root, tmp_path / "absent.csv", bundles["onnx"], out)
    file.write_text("text,time\na,2026-03-01\nb,yesterday\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"record 2: column 'time' holds no time: 'yesterday'"):
        ask(root, file, bundles["onnx"], out)
    assert not out.exists()


def test_without_a_champion_a_folder_can_be_named(
    root: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TouchstoneError, match="tickets has no champion") as caught:
        ask(root, file, None, tmp_path / "topics.html")
    assert "--bundle models/int8" in caught.value.cure
