from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from components.errors import EncoderError, ParamsError
from components.tokenization.vocabulary import read_vocabulary


def altered(encoder: Path, out: Path, **config: Any) -> Path:
    """Copy the encoder with other values in config.json."""
    shutil.copytree(encoder, out)
    tree = json.loads((out / "config.json").read_text()) | config
    (out / "config.json").write_text(json.dumps(tree))
    return out


def test_padding_id_of_the_weights_comes_first(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = altered(tiny_encoder, tmp_path / "e", pad_token_id=4)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    assert read_vocabulary(folder).pad_id == 4


def test_padding_token_of_the_tokenizer_is_looked_up(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = altered(tiny_encoder, tmp_path / "e", pad_token_id=None)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # a wrong pad_id beside the right token: the token decides
    tokenizer.enable_padding(pad_token="[MASK]", pad_id=0)
    tokenizer.save(str(folder / "tokenizer.json"))
    assert read_vocabulary(folder).pad_id == 4


@pytest.mark.parametrize("pad_id", [None, 100_000])
def test_encoder_without_a_padding_token_is_refused(
    tiny_encoder: Path, tmp_path: Path, pad_id: int | None
) -> None:
    folder = altered(tiny_encoder, tmp_path / "e", pad_token_id=pad_id)
    with pytest.raises(EncoderError, match=f"names a token of the vocabulary, found {pad_id}"):
        read_vocabulary(folder)


def test_positions_that_count_from_the_padding_id_are_fewer(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = altered(tiny_encoder, tmp_path / "e", model_type="roberta", pad_token_id=1)
    vocabulary = read_vocabulary(folder)
    assert vocabulary.longest == 126
    vocabulary.check_length(126)
    with pytest.raises(ParamsError, match="must be at most 126"):
        vocabulary.check_length(127)


def test_encoder_without_fixed_positions_has_no_limit(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = altered(tiny_encoder, tmp_path / "e", max_position_embeddings=None)
    read_vocabulary(folder).check_length(8192)
