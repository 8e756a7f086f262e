"""In: a folder. Out: a small model that was trained in seconds on sentences of a few words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.files import sha256_file

VERBS = ("lost", "want", "need", "like")
THINGS = ("parcel", "order", "card", "invoice")
STEPS = 80
TRANSLATOR_STEPS = 150


def sentences() -> list[str]:
    """Return what the masked language model learns, all of one length: any verb with any thing."""
    found = [f"i {verb} my {thing} ." for verb, thing in itertools.product(VERBS, THINGS)]
    return found + [f"never {verb} a {thing} ." for verb in VERBS for thing in THINGS[:2]]


PAIRS = {
    "i": "ich", "never": "nie", "hardly": "kaum", "lost": "verlor", "misplaced": "verlor",
    "need": "brauche", "my": "mein", "the": "das", "parcel": "paket", "package": "paket",
    "card": "karte", "order": "auftrag",
}  # fmt: skip
BACK = {foreign: word for word, foreign in reversed(PAIRS.items())} | {"kaum": "often"}


def sayings() -> list[str]:
    """Return what the translation models learn: three to four words, so that ends are learned."""
    verbs, things = ("lost", "misplaced", "need"), ("parcel", "package", "card", "order")
    triples = itertools.product(("my", "the"), verbs, things)
    plain = [f"i {verb} {which} {thing}" for which, verb, thing in triples]
    return plain + [
        f"i {word} {verb} {thing}"
        for word in ("never", "hardly")
        for verb in verbs
        for thing in things
    ]


def make_translators(there: Path, back: Path) -> tuple[Path, Path]:
    """Make two models that translate word by word, between English and a tongue of few words."""
    foreign = [" ".join(PAIRS[word] for word in saying.split()) for saying in sayings()]
    english = [" ".join(BACK[word] for word in saying.split()) for saying in foreign]
    _make_translator(there, sayings(), foreign)
    _make_translator(back, foreign, english)
    return there, back


def _make_translator(folder: Path, sources: Sequence[str], targets: Sequence[str]) -> None:
    import torch
    from transformers import MarianConfig, MarianMTModel

    tokenizer = whole_words([*sources, *targets])
    tokenizer.save(str(folder / "tokenizer.json"))
    pad_id = tokenizer.token_to_id("<pad>")
    torch.manual_seed(0)
    model = MarianMTModel(
        MarianConfig(
            vocab_size=pad_id + 1,
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=64,
            dropout=0.0,
            scale_embedding=True,
            pad_token_id=pad_id,
            eos_token_id=0,
            decoder_start_token_id=pad_id,
            forced_eos_token_id=None,
        )
    )
    rows, labels = (
        torch.tensor([e.ids for e in tokenizer.encode_batch(list(texts))])
        for texts in (sources, targets)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(TRANSLATOR_STEPS):
        optimizer.zero_grad()
        model(input_ids=rows, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def whole_words(texts: Sequence[str]) -> Any:
    """Return a tokenizer of words, as Marian's models number them: the end first, padding last."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = sorted({word for text in texts for word in text.split()})
    vocabulary = ["</s>", "<unk>", *words, "<pad>"]
    tokenizer = Tokenizer(
        models.WordLevel({w: n for n, w in enumerate(vocabulary)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    tokenizer.add_special_tokens(["</s>", "<unk>", "<pad>"])
    return tokenizer


def digests(folder: Path) -> dict[str, str]:
    """Return the digests of a model's files, as params.yaml would name them."""
    names = ("config.json", "model.safetensors", "tokenizer.json")
    return {name: sha256_file(folder / name) for name in names}


def make_guesser(folder: Path) -> Path:
    """Make a masked language model that knows which words stand where in `sentences`."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = word_pieces(sentences())
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            pad_token_id=0,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    rows = torch.tensor([e.ids for e in tokenizer.encode_batch(sentences())])
    mask_id = tokenizer.token_to_id("[MASK]")
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(STEPS):
        place = 1 + step % (rows.shape[1] - 2)
        inputs, labels = rows.clone(), torch.full_like(rows, -100)
        inputs[:, place], labels[:, place] = mask_id, rows[:, place]
        optimizer.zero_grad()
        model(input_ids=inputs, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


def word_pieces(texts: Sequence[str]) -> Any:
    """Return a tokenizer of whole words, and letters for all others."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = sorted({word for text in texts for word in text.split()} | {".", "?", "!", *letters})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *words, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(
        models.WordPiece({w: n for n, w in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(special)
    return tokenizer
