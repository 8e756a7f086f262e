"""In: one's own texts, unlabelled. Out: an encoder that is used to them, and how to name it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from components import encoders
from components.errors import DataError
from components.files import sha256_file, sha256_json
from components.ingestion.readers import read_records
from components.near import variant_key
from components.params import (
    EncoderParams,
    PretrainingParams,
    ProjectParams,
    TokenizationParams,
    TrainingParams,
    overlay,
)
from components.records import iter_examples, split_path
from components.schema import Split
from components.seeding import derive, unit_interval
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.tokenization.vocabulary import read_vocabulary
from components.training import Checkpoints, shortened
from components.training.checkpoint import SHAPING, code_digest
from components.training.guesser import Corpus
from components.training.masking import Words, masker, split_words
from components.training.pretrain import FACTS, perplexity, pretrain_on
from flows.progress import trainings
from flows.stage import STATE

HELD_OUT: Final[tuple[Split, ...]] = ("validation", "test")


def pretrain(
    project: ProjectParams,
    task: TaskOptions,
    encoder: EncoderParams,
    pretraining: PretrainingParams,
    tokenization: TokenizationParams,
    training: TrainingParams,
    texts: Path,
    column: str = "text",
    examples: Path = Path("data/valid"),
    out: Path = Path("encoders/own"),
) -> str:
    """Train the encoder further on unlabelled texts, and print how to name it in params.yaml.

    TEXTS is a .txt file with a text per line, or a CSV, JSONL or Parquet file with a column.
    Texts of the validation and test splits are left out, where the examples are there.
    """
    held_out = set(_held_out(task, examples))
    found = list(dict.fromkeys(read_texts(texts, column)))
    kept = [text for text in found if variant_key(text) not in held_out]
    folder = encoders.locate(encoder.source, encoder.sha256, STATE / "encoders")
    folder = shortened(folder, encoder.layers, STATE / "encoders" / "shortened")
    seed = derive(project.seed, "pretraining")
    corpus = corpus_of(folder, kept, pretraining, tokenization.max_length, seed)
    params = _overlaid(training, pretraining)
    digest = encoders.digest(encoder.sha256, encoder.layers)
    made_from: dict[str, Any] = {
        "encoder": digest,
        "texts": sha256_json(kept),
        "params": {
            "training": params.shaping(),
            "pretraining": pretraining.model_dump(mode="json"),
            "max_length": tokenization.max_length,
        },
        "seed": seed,
        "versions": {name: version(name) for name in SHAPING},
        "code": code_digest(),
    }
    key = sha256_json(made_from)
    saved = Checkpoints(STATE / "checkpoints" / key[:16], params.checkpoint_minutes, digest)
    with trainings("pretrain") as board:
        board.line(
            f"{len(corpus.train)} texts, {len(corpus.held_out)} more to measure by; left out: "
            f"{len(found) - len(kept)} of the validation and test splits"
        )
        facts, watch = {"key": key, **made_from}, board.watch("pretraining")
        before, after = pretrain_on(corpus, params, folder, seed, out, facts, watch, saved)
    print("\n" + named(out) + "\n")
    return f"a hidden word is one of {perplexity(after):,.0f}, was one of {perplexity(before):,.0f}"


def _overlaid(training: TrainingParams, pretraining: PretrainingParams) -> TrainingParams:
    """Return the training section with pretraining's own values; its steps are of rows."""
    own = {name: getattr(pretraining, name) for name in ("epochs", "batch_size", "learning_rate")}
    return overlay(training, own | {"accumulation": 1, "batch_tokens": None}, "pretraining")


def read_texts(path: Path, column: str) -> Iterable[str]:
    """Yield the texts of a file that are not empty.

    Raises:
        DataError: the file is absent, malformed, or has no such column.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing", "give a file of texts")
    if path.suffix.lower() == ".txt":
        lines: Iterable[object] = path.read_text(encoding="utf-8").splitlines()
    else:
        lines = (record[column] for record in read_records(path, [column]))
    return (text for line in lines if line is not None and (text := str(line).strip()))


def corpus_of(
    encoder: Path, texts: list[str], params: PretrainingParams, max_length: int, seed: int
) -> Corpus:
    """Tokenize texts, and hold some out by their own content, whatever else there is.

    Raises:
        DataError: there are too few to train on and to measure by.
        EncoderError: the tokenizer has no token to hide others with.
    """
    vocabulary = read_vocabulary(encoder)
    vocabulary.check_length(max_length)
    draws = [unit_interval(seed, "held out", text) for text in texts]
    parts: list[list[Words]] = [
        split_words(
            vocabulary.tokenizer,
            [t for t, u in zip(texts, draws, strict=True) if (u < params.held_out_share) == held],
            max_length,
        )
        for held in (False, True)
    ]
    if not all(parts):
        raise DataError(
            f"pretraining takes texts to train on and texts to measure by, found {len(parts[0])} "
            f"and {len(parts[1])}",
            "give more texts, or raise pretraining.held_out_share",
        )
    hides = masker(vocabulary.tokenizer, params.mask_share)
    return Corpus(parts[0], parts[1], vocabulary.pad_id, hides)


def named(folder: Path) -> str:
    """Return the lines of params.yaml that name an encoder in a folder."""
    names = sorted((*encoders.REQUIRED, FACTS))
    lines = [f"    {name}: {sha256_file(folder / name)}" for name in names]
    return "\n".join(
        ["encoder:", f"  source: path:{folder}", "  layers: null", "  sha256:", *lines]
    )


def _held_out(task: TaskOptions, examples: Path) -> Iterable[str]:
    """Yield what the texts of the splits that judge have in common with their variants."""
    kind = load_task(task)
    for split in HELD_OUT:
        if split_path(examples, split).is_file():
            rows = iter_examples(examples, split)
            yield from (variant_key(row[name]) for row in rows for name in kind.inputs)
