"""In: data/augmented and the encoder's tokenizer. Out: data/tokens, memory-mapped arrays."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from components import encoders
from components.params import EncoderParams, TokenizationParams
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.tokenization import tokenize as tokenize_rows
from flows.stage import STATE


@flow(validate_parameters=False)
def tokenize(
    task: TaskOptions,
    encoder: EncoderParams,
    tokenization: TokenizationParams,
    examples: Path,
    out: Path,
) -> str:
    """Tokenize once, for all trials, to memory-mapped arrays."""
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    card = tokenize_rows(
        load_task(task), tokenization, folder, encoders.digest(encoder.sha256), examples, out
    )
    return f"{sum(card['rows'].values())} rows, {card['truncated_share']:.2%} of tokens cut"
