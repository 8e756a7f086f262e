from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components.errors import DataError, EncoderError
from components.params import TrainingParams
from components.tasks.base import Task
from components.tokens import open_split
from components.training import Epoch, Fitted, Step, Watch, fit, loop
from components.training.batches import token_bounds

Section = Callable[..., TrainingParams]


def weights(fitted: Fitted) -> dict[str, torch.Tensor]:
    return fitted.model.state_dict()


def digest(fitted: Fitted) -> str:
    whole = hashlib.sha256()
    for name, value in sorted(weights(fitted).items()):
        whole.update(name.encode() + value.numpy().tobytes())
    return whole.hexdigest()


def test_model_learns_what_the_tokens_tell(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    fitted = fit(task, section(epochs=12, patience=12), tiny_encoder, tokens, 7)
    assert fitted.score > 0.9
    assert fitted.history[-1].loss < fitted.history[0].loss / 2
    assert fitted.score == max(epoch.score for epoch in fitted.history)
    assert fitted.examples_per_second > 0
    assert not fitted.model.training


def test_same_seed_gives_the_same_weights_bit_for_bit(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    first = fit(task, section(), tiny_encoder, tokens, 7)
    torch.rand(3)
    assert digest(fit(task, section(), tiny_encoder, tokens, 7)) == digest(first)
    assert digest(fit(task, section(), tiny_encoder, tokens, 8)) != digest(first)


def test_steps_may_have_a_budget_of_tokens_in_place_of_rows(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    steps: list[Step] = []
    params = section(batch_tokens=48, epochs=2, patience=2)
    fitted = fit(task, params, tiny_encoder, tokens, 7, Watch(steps.append))
    lengths = open_split(tokens, "train").lengths
    assert steps[-1].number == steps[-1].steps == 2 * (len(token_bounds(lengths, 48)) - 1)
    assert fitted.examples_per_second > 0


def test_training_leaves_torch_as_it_was(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fit(task, section(epochs=1), tiny_encoder, tokens, 7)
    assert torch.rand(1) == expected
    assert not torch.are_deterministic_algorithms_enabled()


def test_accumulation_changes_memory_and_not_the_result(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    """90 rows in steps of 16: the last step has 10 rows, which 4 parts do not divide."""
    one = fit(task, section(dropout=0.0), tiny_encoder, tokens, 7)
    four = fit(task, section(dropout=0.0, accumulation=4), tiny_encoder, tokens, 7)
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(four)[name], value, atol=2e-3, rtol=0)
    assert four.history[0].loss == pytest.approx(one.history[0].loss, abs=1e-4)


def test_patience_ends_training_and_the_best_weights_stay(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, scores = loop.score, iter([0.4, 0.6, 0.6, 0.5])
    seen: list[torch.Tensor] = []

    def scored(model: torch.nn.Module, feed: Any, shrink: int) -> dict[str, float]:
        real(model, feed, shrink)
        seen.append(list(model.parameters())[-1].detach().clone())
        return {"accuracy": 0.0, "macro_f1": next(scores)}

    monkeypatch.setattr(loop, "score", scored)
    fitted = fit(task, section(epochs=9, patience=2), tiny_encoder, tokens, 7)
    assert len(fitted.history) == 4
    assert (fitted.best_epoch, fitted.score) == (2, 0.6)
    assert torch.equal(list(fitted.model.parameters())[-1], seen[1])
    assert not torch.equal(seen[3], seen[1])


def test_watch_is_told_and_may_end_training(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    steps: list[Step] = []

    class Enough(Exception):  # noqa: N818
        pass

    def stop(epoch: Epoch) -> None:
        raise Enough(str(epoch.number))

    with pytest.raises(Enough, match="1"):
        fit(task, section(batch_size=8), tiny_encoder, tokens, 7, Watch(steps.append, stop))
    assert [(step.number, step.steps, step.epoch) for step in steps] == [(10, 24, 1), (12, 24, 1)]
    assert all(step.examples_per_second > 0 and step.grad_norm > 0 for step in steps)
    assert all(step.tokens_per_second > step.examples_per_second for step in steps)
    assert all(step.seconds_left > 0 for step in steps)


def test_one_process_trains_in_one_precision_after_another(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    half = fit(task, section(epochs=1, precision="bf16"), tiny_encoder, tokens, 7)
    full = fit(task, section(epochs=1, precision="fp32"), tiny_encoder, tokens, 7)
    assert digest(half) != digest(full)
    assert {value.dtype for value in weights(half).values()} == {torch.float32}


def test_options_reach_the_model_and_the_loss(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    fitted = fit(task, section(epochs=1, dropout=0.3), tiny_encoder, tokens, 7)
    config = fitted.model.config
    assert config.hidden_dropout_prob == 0.3  # type: ignore[union-attr]
    assert config.id2label == dict(enumerate(task.labels))  # type: ignore[union-attr]
    smooth = fit(task, section(epochs=1, dropout=0.3, label_smoothing=0.2), tiny_encoder, tokens, 7)
    assert digest(smooth) != digest(fitted)


def test_folder_without_weights_is_no_encoder(
    task: Task, section: Section, tokens: Path, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match="cannot be read as AutoModelForSequence"):
        fit(task, section(), tmp_path, tokens, 7)


def test_split_without_rows_is_refused(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    for path in tokens.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    empty = {"input_ids": np.zeros(1, np.int32)[:0], "offsets": np.zeros(1, np.int64)}
    for name, array in {**empty, "targets": np.zeros(0, np.int64)}.items():
        np.save(tmp_path / f"validation.{name}.npy", array)
    with pytest.raises(DataError, match="validation"):
        fit(task, section(), tiny_encoder, tmp_path, 7)


def test_toy_rows_are_of_many_lengths(tokens: Path) -> None:
    assert len(set(open_split(tokens, "train").lengths.tolist())) > 10


def test_encoder_without_fused_attention_is_trained_with_its_own(
    task: Task, section: Section, tokens: Path, tmp_path: Path
) -> None:
    from transformers import MPNetConfig, MPNetModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    MPNetModel(MPNetConfig(vocab_size=100, intermediate_size=64, **sizes)).save_pretrained(tmp_path)
    fitted = fit(task, section(epochs=1), tmp_path, tokens, 7)
    assert fitted.model.config._attn_implementation == "eager"  # type: ignore[union-attr]
    assert fitted.history[0].loss < 2
