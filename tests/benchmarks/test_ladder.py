"""In: tiny bundles. Out: what the benchmark of the ladder times, and when it says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import ladder
from components.inference import load_predictor
from components.records import read_examples


@pytest.fixture
def asked(
    bundles: dict[str, Path], example_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Options that compare the tiny int8 bundle with torch, in one round."""
    monkeypatch.setattr(ladder, "ROUNDS", 1)
    monkeypatch.setattr(ladder, "LOSS", 1.0)
    paths = {"trained": bundles["trained"], "examples": example_folder, "served": bundles["int8"]}
    return [word for name, path in paths.items() for word in (f"--{name}", str(path))]


@pytest.mark.parametrize(("least", "code"), [(0.0, 0), (1e9, 1)])
def test_it_exits_with_one_when_a_limit_is_missed(
    asked: list[str],
    least: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ladder, "FASTER", {1: least, 32: least})
    monkeypatch.setattr("sys.argv", ["ladder", *asked, "--threads", "1"])
    assert ladder.main() == code
    printed = capsys.readouterr().out
    for line in (
        "static",
        "faster at batch 1 ",
        "faster at batch 32",
        "depend on",
        "accuracy lost",
    ):
        assert line in printed


def test_batches_hold_texts_of_like_length_from_all_over_the_split(
    bundles: dict[str, Path], example_folder: Path
) -> None:
    predictor = load_predictor(bundles["int8"], 1)
    examples = read_examples(example_folder, "test")
    batches = ladder.inputs(predictor, examples, 1)
    lengths = [batch["input_ids"].shape[1] for batch in batches]
    assert len(batches) == 32
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    assert ladder.inputs(predictor, examples, 32)[0]["input_ids"].shape[0] == 32
