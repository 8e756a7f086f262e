"""In: the encoder's folder. Out: its tokenizer without hidden settings, and the padding id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from components.errors import EncoderError, ParamsError
from components.files import read_json

CURE: Final = "take another encoder, or mend encoder.source"
# These number positions from the padding id on, so that the first ones are never used.
OFFSET_POSITIONS: Final = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet"}


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer that neither pads nor cuts by itself.

    Attributes:
        tokenizer: of the encoder.
        pad_id: the id that fills a batch; the one that the encoder's weights know.
        longest: tokens per example that the encoder has positions for; None: no limit.
    """

    tokenizer: Tokenizer
    pad_id: int
    longest: int | None

    def check_length(self, max_length: int) -> None:
        """Check that the encoder has a position for every token.

        Raises:
            ParamsError: it has fewer.
        """
        if self.longest is not None and max_length > self.longest:
            raise ParamsError(
                f"tokenization.max_length: must be at most {self.longest}, the positions of the "
                f"encoder, found {max_length}",
                "lower tokenization.max_length, or name an encoder with more positions",
            )


def read_vocabulary(encoder: Path) -> Vocabulary:
    """Read the tokenizer, and take off the padding and truncation that its file may carry.

    Raises:
        EncoderError: the file is no tokenizer, or names no padding token.
    """
    path = encoder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no narrower type
        raise EncoderError(f"{path} is no tokenizer: {error}", CURE) from error
    config = read_json(encoder / "config.json")
    pad_id = _pad_id(tokenizer, config, encoder)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Vocabulary(tokenizer, pad_id, _longest(config, pad_id))


def _pad_id(tokenizer: Tokenizer, config: dict[str, Any], encoder: Path) -> int:
    # The weights were trained with config.json's id: some encoders count positions from it.
    pad_id = config.get("pad_token_id")
    if pad_id is None and tokenizer.padding is not None:
        pad_id = tokenizer.token_to_id(tokenizer.padding["pad_token"])
    if not isinstance(pad_id, int) or tokenizer.id_to_token(pad_id) is None:
        raise EncoderError(
            f"{encoder}: neither pad_token_id in config.json nor padding in tokenizer.json names "
            f"a token of the vocabulary, found {pad_id!r}",
            CURE,
        )
    return pad_id


def _longest(config: dict[str, Any], pad_id: int) -> int | None:
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions <= 0:
        return None
    if config.get("model_type") in OFFSET_POSITIONS:
        return positions - pad_id - 1
    return positions
