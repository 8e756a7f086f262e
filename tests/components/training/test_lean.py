"""In: the tiny encoder. Out: what `lean` makes cheaper computes the same, and nobody sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from components.tasks.base import Task
from components.tokens import open_split
from components.training.batches import sorted_batches
from components.training.feed import Feed
from components.training.lean import lean, plain
from components.training.model import load_model
from components.training.modules import FirstSegment, FirstTokenLayer, LightDropout, SeenEmbedding

CPU = torch.device("cpu")


@pytest.fixture
def train(task: Task, tokens: Path) -> Feed:
    return Feed(task, open_split(tokens, "train"), 0, CPU)


def model_of(task: Task, encoder: Path, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return load_model(task, encoder, dropout).train()


def table_of(model: nn.Module) -> nn.Embedding:
    table = model.get_input_embeddings()  # type: ignore[operator]
    assert isinstance(table, nn.Embedding)
    return table


def losses(model: nn.Module, feed: Feed, steps: int = 12) -> list[float]:
    """Train with clipping and weight decay; return the loss of each step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.1)
    batches = sorted_batches(feed.lengths, 16)
    found = []
    for number in range(steps):
        rows = batches[number % len(batches)]
        logits = model(**feed.inputs(rows)).logits
        loss = nn.functional.cross_entropy(logits, feed.targets(rows))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        found.append(loss.item())
    return found


def unseen(feed: Feed, table: nn.Embedding) -> torch.Tensor:
    seen = torch.from_numpy(np.unique(feed.tokens.input_ids)).long()
    mask = torch.ones(table.num_embeddings, dtype=torch.bool)
    mask[seen] = False
    mask[feed.pad_id] = False
    return mask


def test_cut_table_trains_as_the_whole_one_does(
    task: Task, tiny_encoder: Path, train: Feed
) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    words = table_of(whole).num_embeddings
    assert table_of(cut).num_embeddings < words
    np.testing.assert_allclose(losses(cut, train), losses(whole, train), rtol=1e-3)
    mask = unseen(train, table_of(whole))
    plain(cut)
    assert table_of(cut).num_embeddings == words
    for name, value in whole.state_dict().items():
        rows = ~mask if "word_embeddings" in name else slice(None)
        torch.testing.assert_close(cut.state_dict()[name][rows], value[rows], atol=2e-3, rtol=0)


def test_segments_are_added_without_a_look_up_and_learn_the_same(
    task: Task, tiny_encoder: Path, train: Feed
) -> None:
    whole, cheap = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    assert sum(isinstance(module, FirstSegment) for module in cheap.modules()) == 1
    rows = np.arange(16)
    for model in (whole, cheap):
        logits = model(**train.inputs(rows)).logits
        nn.functional.cross_entropy(logits, train.targets(rows)).backward()
    name = "bert.embeddings.token_type_embeddings.weight"
    found, expected = cheap.get_parameter(name), whole.get_parameter(name)
    assert torch.equal(found, expected)
    torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-7)
    assert found.grad is not None
    assert found.grad[0].abs().max() > 0
    plain(cheap)
    assert not any(isinstance(module, FirstSegment) for module in cheap.modules())
    assert cheap.get_parameter(name) is found


def test_words_that_no_text_has_stay_as_they_were_pretrained(
    task: Task, tiny_encoder: Path, train: Feed
) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    before = table_of(whole).weight.detach().clone()
    mask = unseen(train, table_of(whole))
    assert mask.any()
    losses(whole, train)
    losses(cut, train)
    after = table_of(plain(cut)).weight
    assert torch.equal(after[mask], before[mask])
    assert not torch.equal(after[~mask], before[~mask])
    assert not torch.equal(table_of(whole).weight[mask], before[mask]), "weight decay is at work"


def test_state_dict_does_not_show_the_cut(task: Task, tiny_encoder: Path, train: Feed) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder, 0.1), train)
    assert {n: v.shape for n, v in cut.state_dict().items()} == {
        n: v.shape for n, v in whole.state_dict().items()
    }
    losses(cut, train, 3)
    saved = {name: value.clone() for name, value in cut.state_dict().items()}
    fresh = lean(model_of(task, tiny_encoder), train)
    fresh.load_state_dict(saved)
    assert all(torch.equal(value, saved[name]) for name, value in fresh.state_dict().items())
    whole.load_state_dict(saved)
    assert torch.equal(table_of(whole).weight, saved[next(n for n in saved if "word_embed" in n)])


def test_table_of_another_shape_is_refused(task: Task, tiny_encoder: Path, train: Feed) -> None:
    cut = lean(model_of(task, tiny_encoder), train)
    name = next(n for n in cut.state_dict() if "word_embeddings" in n)
    state = cut.state_dict() | {name: torch.zeros(3, 3)}
    with pytest.raises(RuntimeError, match="size mismatch"):
        cut.load_state_dict(state)


@pytest.mark.parametrize("training", [False, True])
def test_any_word_may_be_looked_up(
    task: Task, tiny_encoder: Path, train: Feed, training: bool
) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    every = torch.arange(table_of(whole).num_embeddings)[-128:].reshape(4, 32)
    found = cut.train(training)(input_ids=every).logits
    torch.testing.assert_close(found, whole.train(training)(input_ids=every).logits)


def test_plain_leaves_no_trace(task: Task, tiny_encoder: Path, train: Feed) -> None:
    model = plain(lean(model_of(task, tiny_encoder, 0.1), train).eval())
    kinds = {type(module) for module in model.modules()}
    assert nn.Embedding in kinds
    assert nn.Dropout in kinds
    assert not kinds & {SeenEmbedding, LightDropout, FirstTokenLayer}
    assert not model._forward_pre_hooks
    assert not any(module.training for module in model.modules())
    assert table_of(model).padding_idx == table_of(model_of(task, tiny_encoder)).padding_idx


def test_frozen_table_stays(task: Task, tiny_encoder: Path, train: Feed) -> None:
    model = model_of(task, tiny_encoder)
    table = table_of(model)
    table.weight.requires_grad_(False)
    assert table_of(lean(model, train)) is table


def test_table_that_the_output_shares_stays(tiny_encoder: Path, train: Feed) -> None:
    from transformers import AutoModelForMaskedLM

    from components.training.model import silent

    with silent():
        model = AutoModelForMaskedLM.from_pretrained(tiny_encoder)
    table = table_of(model)
    assert table_of(lean(model, train)) is table


def gradients(model: nn.Module, feed: Feed, rows: np.ndarray) -> dict[str, torch.Tensor]:
    logits = model(**feed.inputs(rows)).logits
    nn.functional.cross_entropy(logits, feed.targets(rows)).backward()
    return {n: w.grad for n, w in model.named_parameters() if w.grad is not None}


@pytest.mark.parametrize("rows", [np.array([3]), np.arange(20)], ids=["alone", "padded"])
def test_last_layer_without_the_other_tokens_gives_the_same_gradients(
    task: Task, tiny_encoder: Path, train: Feed, rows: np.ndarray
) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    sizes: list[int] = []
    cut.bert.encoder.layer[-1].register_forward_hook(  # type: ignore[union-attr, index]
        lambda *told: sizes.append(told[-1].shape[1])
    )
    found, expected = gradients(cut, train, rows), gradients(whole, train, rows)
    assert sizes == [1]
    for name, value in expected.items():
        if "word_embeddings" not in name:
            torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-4)


def test_body_without_the_head_still_gives_all_tokens(
    task: Task, tiny_encoder: Path, train: Feed
) -> None:
    whole, cut = model_of(task, tiny_encoder), lean(model_of(task, tiny_encoder), train)
    inputs = train.inputs(np.arange(20))
    cut(**inputs)
    found = cut.base_model(**inputs).last_hidden_state  # type: ignore[operator]
    expected = whole.base_model(**inputs).last_hidden_state  # type: ignore[operator]
    torch.testing.assert_close(found, expected)


class TestLightDropout:
    values = torch.ones(300, 401)

    @pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
    def test_drops_the_share_and_keeps_the_mean(self, p: float) -> None:
        torch.manual_seed(1)
        found = LightDropout(p)(self.values)
        error = 5 * (p * (1 - p) / self.values.numel()) ** 0.5
        assert float((found == 0).float().mean()) == pytest.approx(p, abs=error)
        kept = found[found != 0]
        assert float(kept.min()) == float(kept.max()) == pytest.approx(1 / (1 - p), rel=1e-3)

    def test_neighbours_fall_independently(self) -> None:
        torch.manual_seed(1)
        dropped = (LightDropout(0.5)(self.values) == 0).float().flatten().numpy()
        for apart in (1, 2, 3, 4, 401):
            assert abs(np.corrcoef(dropped[apart:], dropped[:-apart])[0, 1]) < 0.015

    def test_draws_come_from_the_seed_and_differ_from_call_to_call(self) -> None:
        layer = LightDropout(0.3)
        torch.manual_seed(1)
        first, second = layer(self.values), layer(self.values)
        torch.manual_seed(1)
        assert torch.equal(layer(self.values), first)
        assert not torch.equal(second, first)

    def test_gradient_goes_where_values_went(self) -> None:
        values = self.values.clone().requires_grad_()
        found = LightDropout(0.3)(values)
        found.sum().backward()
        assert values.grad is not None
        assert torch.equal(values.grad, found.detach())

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_type_stays_and_evaluation_changes_nothing(self, dtype: torch.dtype) -> None:
        values = self.values.to(dtype)
        assert LightDropout(0.3)(values).dtype == dtype
        assert LightDropout(0.3).eval()(values) is values
        assert LightDropout(0.0)(values) is values
