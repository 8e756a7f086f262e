"""In: each kind of adapter. Out: it trains little, it learns, and what was scored is served."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from components.errors import EncoderError, ParamsError
from components.inference import Bundle, load_bundle
from components.inference.adapted import attach
from components.inference.torch import load_model as open_model
from components.params import TrainingParams
from components.tasks.base import Task
from components.training import Fitted, fit, lean, save
from components.training.anatomy import heights
from components.training.lora import merged
from components.training.model import load_model
from components.training.optimizer import set_rate
from components.training.scoring import score
from tests.components.training.ways import BATCH, close, gradients, running, trained

Section = Callable[..., TrainingParams]
MERGED = ("lora", "adalora")
KEPT = ("bottleneck", "prefix", "prompt")
ADAPTERS = (*MERGED, *KEPT)
# Each kind wants its own; the toy is so small that all are high.
RATES = {"lora": 0.02, "adalora": 0.02, "bottleneck": 0.02, "prefix": 0.03, "prompt": 0.03}


def adapted(section: Section, kind: str, **values: object) -> TrainingParams:
    return section(adapter=kind, adapter_rank=4, learning_rate=RATES[kind], **values)


@pytest.fixture(params=ADAPTERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_encoder_stays_and_little_is_trained(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    with running(task, adapted(section, kind), tiny_encoder, tokens) as run:
        before = {n: w.detach().clone() for n, w in run.plain.named_parameters()}
        moving = trained(run.plain)
        for _ in range(3):
            run.step(BATCH, 1)
        moved = {n for n, w in run.plain.named_parameters() if not torch.equal(w, before[n])}
        assert moved <= moving.keys()
        top = {name for name, height in heights(run.plain).items() if height == 3}
        assert {"classifier.weight", "bert.pooler.dense.weight"} <= top
        assert top <= moving.keys()
        assert moved - top, "the adapter must move"
        assert sum(value.numel() for value in moving.values()) < 0.3 * sum(
            value.numel() for value in before.values()
        )


def test_adapter_learns(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    """Ten texts by heart. The toy's random layers are made stronger, or all texts look alike."""
    params = adapted(section, kind, dropout=0.0, weight_decay=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        with torch.no_grad():
            for weight in run.plain.parameters():
                if not weight.requires_grad and weight.ndim == 2:
                    weight.mul_(8.0)
        set_rate(run.optimizer, params, 50, 100)
        losses = [run.step(BATCH, 1).loss.item() for _ in range(60)]
    assert losses[-1] < losses[0] / 2


def test_what_comes_out_scores_as_it_did_in_training(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    params = adapted(section, kind, epochs=3)
    fitted = fit(task, params, tiny_encoder, tokens, 7)
    with running(task, params, tiny_encoder, tokens) as run:
        found = score(fitted.model.eval(), run.validation)
    assert found[task.metric] == pytest.approx(fitted.score, abs=0.04)
    assert not any("lora" in name or "base_layer" in name for name in fitted.model.state_dict())


@pytest.mark.parametrize("kind", MERGED)
def test_merged_model_is_the_plain_one_and_computes_the_same(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    with running(task, adapted(section, kind, dropout=0.0), tiny_encoder, tokens) as run:
        for number in range(4):
            run.step(np.arange(10 * number, 10 * number + 10), 1)
        inputs = run.train.inputs(BATCH)
        model = run.plain.eval()
        with torch.no_grad():
            beside = model(**inputs).logits
            without = load_model(task, tiny_encoder, 0.0).state_dict()
            folded = merged(model)
            torch.testing.assert_close(folded(**inputs).logits, beside, atol=1e-5, rtol=1e-5)
    plain = load_model(task, tiny_encoder, 0.0)
    assert {type(m) for m in lean.plain(folded).modules()} <= {type(m) for m in plain.modules()}
    changed = {n for n, v in folded.state_dict().items() if not torch.equal(v, without[n])}
    assert "bert.encoder.layer.0.attention.self.query.weight" in changed
    assert "bert.embeddings.word_embeddings.weight" not in changed


@pytest.mark.parametrize("kind", ["lora", "adalora", "bottleneck"])
def test_adapter_changes_nothing_before_it_is_trained(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    with running(task, adapted(section, kind, dropout=0.0), tiny_encoder, tokens) as run:
        inputs = run.train.inputs(BATCH)
        with torch.no_grad():
            found = run.plain.base_model(**inputs).last_hidden_state  # type: ignore[operator]
            bare = load_model(task, tiny_encoder, 0.0).base_model
            torch.testing.assert_close(found, bare(**inputs).last_hidden_state)  # type: ignore[operator]


@pytest.mark.parametrize("kind", KEPT)
def test_padding_does_not_matter(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    with running(task, adapted(section, kind), tiny_encoder, tokens) as run:
        rows = np.argsort(run.train.lengths)[[0, -1]]
        model = run.plain.eval()
        with torch.no_grad():
            together = model(**run.train.inputs(rows)).logits
            for number, row in enumerate(rows):
                alone = model(**run.train.inputs(rows[number : number + 1])).logits
                torch.testing.assert_close(together[number], alone[0], msg=str(row))


def test_accumulation_is_exact(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    with running(task, adapted(section, kind, dropout=0.0), tiny_encoder, tokens) as run:
        close(gradients(run, 1), gradients(run, 4))


@pytest.mark.parametrize("kind", MERGED)
def test_what_is_added_to_a_matrix_has_at_most_the_rank(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, kind: str
) -> None:
    before = load_model(task, tiny_encoder, 0.0).state_dict()
    params = adapted(section, kind, epochs=3, patience=3)
    after = fit(task, params, tiny_encoder, tokens, 7).model.state_dict()
    ranks = [
        int(torch.linalg.matrix_rank(after[name] - before[name], rtol=1e-4))
        for name in before
        if ".layer." in name and before[name].ndim == 2
    ]
    assert len(ranks) == 12
    # The best epoch may lie before adalora has come down to its budget.
    assert 0 < max(ranks) <= (4 if kind == "lora" else 6)


def test_adalora_ends_with_its_budget_and_the_same_ranks_stay(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    """12 matrices of 6 ranks at first, of 4 in the mean from step 9 of 12 on."""
    params = adapted(section, "adalora")
    with running(task, params, tiny_encoder, tokens) as run:
        left: list[int] = []
        for _ in range(12):
            set_rate(run.optimizer, params, 3, 12)
            run.step(BATCH, 1)
            named = run.plain.named_parameters()
            values = [weight for name, weight in named if "lora_E" in name]
            left.append(sum(int((value != 0).sum()) for value in values))
    assert left[0] == 12 * 6
    assert left == sorted(left, reverse=True)
    assert left[-4:] == [12 * 4] * 4


def test_importance_is_weight_times_gradient_before_the_update(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    name = "bert.encoder.layer.1.output.dense.lora_A.default"
    params = adapted(section, "adalora", dropout=0.0)
    with running(task, params, tiny_encoder, tokens) as run:
        weight = dict(run.plain.named_parameters())[name]
        run.ranks._allocator.peft_config.orth_reg_weight = 0.0
        run.step(np.arange(20, 30), 1)
        before = run.ranks.state().tensors[f"exp_avg_ipt:{name}"]
        expected = (weight * gradients(run)[name]).abs().detach()
        run.step(BATCH, 1)
        after = run.ranks.state().tensors[f"exp_avg_ipt:{name}"]
    torch.testing.assert_close(after, 0.85 * before + 0.15 * expected)


def test_prompt_of_words_is_a_text_with_those_words(task: Task, tiny_encoder: Path) -> None:
    """Behind the first token, as Lester's prompt stands before the text."""
    words, text = torch.tensor([11, 12, 13]), torch.tensor([[2, 20, 21, 3], [2, 30, 3, 0]])
    mask = (text != 0).long()
    plain = load_model(task, tiny_encoder, 0.0).eval()
    prompted = copy.deepcopy(plain)
    prompted.config.adapter, prompted.config.adapter_rank = "prompt", 3  # type: ignore[union-attr]
    assert attach(prompted) == {"bert.embeddings.prompt.vectors"}
    table = plain.get_input_embeddings().weight  # type: ignore[operator]
    with torch.no_grad():
        prompted.base_model.embeddings.prompt.vectors.copy_(table[words])  # type: ignore[union-attr]
        longer = torch.cat([text[:, :1], words.expand(2, -1), text[:, 1:]], dim=1)
        ones = torch.ones(2, 3, dtype=torch.long)
        expected = plain(input_ids=longer, attention_mask=torch.cat([ones, mask], 1)).logits
        found = prompted(input_ids=text, attention_mask=mask).logits
    torch.testing.assert_close(found, expected)


def test_prefix_is_attended_to_as_further_tokens_are() -> None:
    """Softmax over the prefix's keys and the text's, by hand; the masked token counts nothing."""
    draw = torch.manual_seed(0)
    config = BertConfig(vocab_size=9, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    config.adapter, config.adapter_rank = "prefix", 3
    model = BertModel(config, add_pooling_layer=False).eval()
    attach(model)
    attention = model.encoder.layer[0].attention.self
    hidden = torch.randn(1, 4, 8, generator=draw)
    mask = torch.tensor([0.0, 0.0, 0.0, torch.finfo(torch.float32).min])[None, None, None]
    with torch.no_grad():
        heads = []
        for number, part in enumerate((slice(0, 4), slice(4, 8))):
            own = attention.prefix.keys[0, number], attention.prefix.values[0, number]
            keys = torch.cat([own[0], attention.key(hidden[0])[:-1, part]])
            values = torch.cat([own[1], attention.value(hidden[0])[:-1, part]])
            scores = attention.query(hidden[0])[:, part] @ keys.T / 2.0
            heads.append(torch.softmax(scores, dim=1) @ values)
        found = attention(hidden, attention_mask=mask)[0]
    torch.testing.assert_close(found[0], torch.cat(heads, dim=1))


@pytest.fixture
def bundle(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path, kind: str
) -> tuple[Fitted, Bundle]:
    fitted = fit(task, adapted(section, kind, epochs=1), tiny_encoder, tokens, 7)
    save(fitted, task, tokens, {}, tmp_path / "bundle")
    return fitted, load_bundle(tmp_path / "bundle")


def test_saved_bundle_gives_the_same_logits(bundle: tuple[Fitted, Bundle]) -> None:
    fitted, saved = bundle
    ids, mask = torch.arange(5, 25).view(2, 10), torch.ones(2, 10, dtype=torch.int64)
    mask[1, 6:] = 0
    opened = open_model(saved)
    with torch.no_grad():
        expected = fitted.model(input_ids=ids, attention_mask=mask).logits
        torch.testing.assert_close(opened(input_ids=ids, attention_mask=mask).logits, expected)


def test_prompt_must_fit_into_the_encoders_positions(
    task: Task, section: Section, tiny_encoder: Path, tokens: Path
) -> None:
    with pytest.raises(ParamsError, match=r"texts of 32 tokens in the encoder's 128 positions"):
        fit(task, section(adapter="prompt", adapter_rank=97), tiny_encoder, tokens, 7)


def test_encoder_without_a_place_is_refused() -> None:
    config = DistilBertConfig(vocab_size=20, dim=8, hidden_dim=8, n_layers=1, n_heads=2)
    model = DistilBertForSequenceClassification(config)
    model.config.adapter, model.config.adapter_rank = "prefix", 2
    with pytest.raises(EncoderError, match="no place for an adapter of kind prefix"):
        attach(model)
