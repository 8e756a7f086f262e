from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from components.errors import EncoderError, Interrupted
from components.files import read_json, sha256_file
from components.params import TrainingParams
from components.seeding import generator
from components.tasks.base import IGNORED, Task
from components.training import Checkpoints, Watch, fit
from components.training.guesser import Corpus, Guesser, load_guesser
from components.training.masking import Masker, Words, masker, split_words
from components.training.pretrain import FACTS, pretrain_on

Section = Callable[..., TrainingParams]
# Each word is always followed by the same one: what is hidden can be guessed.
CHAINS = (("where", "is", "my", "order"), ("refund", "my", "money", "back"), ("reset", "password"))
MASK = 4


@pytest.fixture
def corpus(tiny_encoder: Path) -> Corpus:
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    random = np.random.default_rng(0)
    texts = [
        " ".join(
            word for index in random.integers(0, 3, random.integers(1, 5)) for word in CHAINS[index]
        )
        for _ in range(70)
    ]
    words = split_words(tokenizer, texts, 32)
    return Corpus(words[:56], words[56:], 0, masker(tokenizer, 0.25))


def further(
    corpus: Corpus, params: TrainingParams, encoder: Path, folder: Path, watch: Watch | None = None
) -> tuple[float, float]:
    saved = Checkpoints(folder / "checkpoints", 1e-9, "e" * 64)
    facts: dict[str, Any] = {"key": "k"}
    return pretrain_on(corpus, params, encoder, 7, folder / "own", facts, watch or Watch(), saved)


def test_words_are_hidden_as_wholes_and_special_tokens_never() -> None:
    words = np.array([-1, 0, 0, 0, 1, 2, 2, 3, -1])
    text = Words(np.arange(10, 19), words)
    for seed in range(50):
        inputs, targets = Masker(0.5, MASK, 60).hide(text, np.random.default_rng(seed))
        hidden = targets != IGNORED
        assert (targets[hidden] == text.ids[hidden]).all()
        assert (inputs[~hidden] == text.ids[~hidden]).all()
        assert not hidden[[0, -1]].any()
        assert len(set(words[hidden].tolist())) == 2
        assert set(np.flatnonzero(np.isin(words, words[hidden]))) == set(np.flatnonzero(hidden))


def test_hidden_tokens_are_masked_exchanged_or_left_in_the_shares_of_bert() -> None:
    text = Words(np.full(20_000, 30), np.arange(20_000))
    inputs, targets = Masker(0.5, MASK, 60).hide(text, np.random.default_rng(0))
    shown = inputs[targets != IGNORED]
    assert len(shown) == 10_000
    assert (shown == MASK).mean() == pytest.approx(0.8 + 0.1 / 60, abs=0.015)
    assert (shown == 30).mean() == pytest.approx(0.1 + 0.1 / 60, abs=0.01)


def test_a_text_of_one_word_has_one_hidden() -> None:
    _, targets = Masker(0.15, MASK, 60).hide(
        Words(np.array([2, 9, 3]), np.array([-1, 0, -1])), np.random.default_rng(0)
    )
    assert targets.tolist() == [IGNORED, 9, IGNORED]


def test_pieces_of_a_word_belong_together(tiny_encoder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    (text, cut) = split_words(tokenizer, ["where zq is", "", "my order is late"], 5)
    assert text.words.tolist() == [-1, 0, 1, 1, -1]
    assert len(cut.ids) == 5


def test_tokenizer_without_a_mask_is_refused() -> None:
    from tokenizers import models

    with pytest.raises(EncoderError, match=r"\[MASK\] or <mask>"):
        masker(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")), 0.15)


def test_head_is_tied_to_the_word_vectors_and_scores_as_the_whole_model_does(
    corpus: Corpus, tiny_encoder: Path
) -> None:
    from accelerate import Accelerator

    model: Any = load_guesser(tiny_encoder, 0.0).eval()
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    guesser = Guesser(model, corpus, Accelerator(cpu=True))
    texts = corpus.train[:3]
    with torch.inference_mode():
        loss, count = guesser.loss(texts, generator(1, "mask"))
        random, whole, hidden = generator(1, "mask"), 0.0, 0
        for text in texts:
            inputs, targets = corpus.masker.hide(text, random)
            found = model(
                input_ids=torch.from_numpy(inputs)[None], labels=torch.from_numpy(targets)[None]
            )
            whole += float(found.loss) * int((targets != IGNORED).sum())
            hidden += int((targets != IGNORED).sum())
    assert float(loss) == pytest.approx(whole, rel=1e-4)
    assert count == hidden


def test_hidden_words_are_guessed_better_and_the_result_is_an_encoder(
    corpus: Corpus, task: Task, section: Section, tiny_encoder: Path, tokens: Path, tmp_path: Path
) -> None:
    before, after = further(corpus, section(epochs=6, batch_size=8), tiny_encoder, tmp_path)
    assert after < before - 1
    own = tmp_path / "own"
    assert sorted(path.name for path in own.iterdir()) == [
        "config.json",
        "model.safetensors",
        FACTS,
        "tokenizer.json",
    ]
    assert read_json(own / FACTS)["loss"] == [before, after]
    assert not (tmp_path / "checkpoints").exists()
    from safetensors.torch import load_file

    old, new = (load_file(folder / "model.safetensors") for folder in (tiny_encoder, own))
    assert old.keys() == new.keys()
    same = {name for name in old if torch.equal(old[name], new[name])}
    assert same == {"pooler.dense.weight", "pooler.dense.bias"}
    assert fit(task, section(epochs=1), own, tokens, 7).score >= 0


def test_cut_short_and_gone_on_it_is_the_same_encoder(
    corpus: Corpus,
    section: Section,
    tiny_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = section(epochs=2, batch_size=8)
    further(corpus, params, tiny_encoder, tmp_path / "whole")
    real, calls = Guesser.loss, list[int]()

    def stop(guesser: Guesser, texts: Any, random: Any) -> Any:
        if guesser.model.training:
            calls.append(1)
            if len(calls) == 10:
                os.kill(os.getpid(), signal.SIGTERM)
        return real(guesser, texts, random)

    monkeypatch.setattr(Guesser, "loss", stop)
    with pytest.raises(Interrupted, match="after step 10 of 14"):
        further(corpus, params, tiny_encoder, tmp_path / "cut")
    notes: list[str] = []
    further(corpus, params, tiny_encoder, tmp_path / "cut", Watch(on_note=notes.append))
    assert notes == ["goes on after step 3 of epoch 2"]
    assert len(calls) == 14
    one, two = (sha256_file(tmp_path / n / "own/model.safetensors") for n in ("whole", "cut"))
    assert one == two
