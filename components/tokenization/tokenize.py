"""In: Parquet examples and an encoder. Out: data/tokens: flat arrays, the tokenizer, a card."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.anchors import anchored
from components.errors import DataError
from components.files import atomic_folder, sha256_file, write_json, write_text
from components.params import TokenizationParams
from components.records import Example, iter_examples, verify_card
from components.schema import GROUP, ID, PARENT_ID, SEEN, Seen
from components.tasks.base import Array, Encoded, Task
from components.tokenization.flat import FlatFile
from components.tokenization.vocabulary import read_vocabulary
from components.tokens import ALTERED, ANCHORS, ARRAYS, CARD, GROUPS, ROOTS, array_path

BATCH_ROWS: Final = 1024
LISTED: Final = 5
Encode = Callable[[Sequence[Example]], Encoded]


@dataclass
class Tally:
    """What was counted over the rows of one split."""

    rows: int = 0
    tokens: int = 0
    longest: int = 0
    cut_rows: int = 0
    cut_tokens: int = 0
    unaligned: int = 0

    def add(self, encoded: Encoded) -> None:
        """Count one batch."""
        lengths = [len(row) for row in encoded.input_ids]
        self.rows += len(lengths)
        self.tokens += sum(lengths)
        self.longest = max(self.longest, *lengths)
        self.cut_rows += sum(1 for cut in encoded.truncated if cut)
        self.cut_tokens += sum(encoded.truncated)
        self.unaligned += encoded.unaligned


def tokenize(
    task: Task,
    params: TokenizationParams,
    encoder: Path,
    encoder_digest: str,
    examples: Path,
    out: Path,
) -> dict[str, Any]:
    """Write the token ids of training and validation rows once, for all trials to map.

    The test split is not opened: those that judge a model tokenize its texts as a server would.

    Args:
        task: encodes examples.
        params: the longest example, in tokens.
        encoder: folder of the checked encoder files.
        encoder_digest: stands on the card.
        examples: data folder with one Parquet file per split.
        out: appears when all is written.

    Returns:
        The card: digests of data and files, rows and longest row per split, share of tokens cut,
        and labels whose ends are no ends of words.

    Raises:
        DataError: a split is empty, unlabelled, or altered where it is held out, or too much of
            it does not fit.
        EncoderError: the tokenizer cannot be used.
        IntegrityError: the examples are not those that their card names.
        ParamsError: the encoder has fewer positions than max_length.
    """
    data = verify_card(examples, SEEN)["data"]
    vocabulary = read_vocabulary(encoder)
    vocabulary.check_length(params.max_length)
    tokenizer = vocabulary.tokenizer
    plain = tokenizer.to_str()

    def encode(rows: Sequence[Example]) -> Encoded:
        return task.encode(tokenizer, rows, params.max_length)

    with atomic_folder(out) as folder:
        tallies = {split: _write_split(task, encode, examples, folder, split) for split in SEEN}
        _write_anchors(task, encode, folder)
        write_text(folder / "tokenizer.json", plain)
        specials = tokenizer.num_special_tokens_to_add(is_pair=len(task.inputs) > 1)
        figures = _held(params, _figures(tallies, specials))
        made_of = {"data": data, "encoder": encoder_digest, "sha256": _digests(folder)}
        card = {**made_of, "max_length": params.max_length, "pad_id": vocabulary.pad_id, **figures}
        write_json(folder / CARD, card)
    return card


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir())}


def _held(params: TokenizationParams, figures: dict[str, Any]) -> dict[str, Any]:
    found = figures["truncated_share"]
    if found > params.max_truncated_share:
        raise DataError(
            f"tokenization: at most {params.max_truncated_share:.2%} of the tokens may be cut "
            f"(tokenization.max_truncated_share), found {found:.2%} "
            f"of {sum(figures['truncated_rows'].values())} texts",
            f"raise tokenization.max_length from {params.max_length}, or the share",
        )
    return figures


def _write_split(task: Task, encode: Encode, examples: Path, folder: Path, split: Seen) -> Tally:
    tally = Tally()
    join = np.concatenate if task.loss == "each_token" else np.stack
    rows = _checked(iter_examples(examples, split), split)
    facts = _facts(split)
    with contextlib.ExitStack() as stack:
        ids, offsets, targets, *told = (
            stack.enter_context(FlatFile(array_path(folder, split, name)))
            for name in (*ARRAYS, *facts)
        )
        offsets.append(np.zeros(1, dtype=np.int64))
        while batch := list(islice(rows, BATCH_ROWS)):
            encoded = encode(batch)
            if encoded.targets is None:
                raise DataError(f"{examples}: {split} rows carry no labels", "run `dvc repro`")
            ids.append(np.concatenate([np.asarray(row, np.int32) for row in encoded.input_ids]))
            offsets.append(tally.tokens + np.cumsum([len(row) for row in encoded.input_ids]))
            targets.append(join(encoded.targets))
            for file, fact in zip(told, facts.values(), strict=True):
                file.append(fact(batch)[encoded.owners])
            tally.add(encoded)
    if not tally.rows:
        raise DataError(
            f"{examples}: the {split} split has no rows",
            f"give ingestion.{split}_source, or raise ingestion.splits.{split}",
        )
    return tally


def _facts(split: Seen) -> dict[str, Callable[[Sequence[Example]], Array]]:
    """Return what is written beside the tokens of a split, by the array's name."""
    if split == "train":
        return {ALTERED: _altered, ROOTS: _Numbers(lambda row: row.get(PARENT_ID) or row[ID])}
    return {GROUPS: _Numbers(lambda row: row[GROUP])}


def _altered(batch: Sequence[Example]) -> Array:
    """Return (examples,) whether each is a copy that was altered."""
    return np.array([row.get(PARENT_ID) is not None for row in batch])


class _Numbers:
    """Numbers what rows share in the order in which it comes."""

    def __init__(self, shared: Callable[[Example], object]) -> None:
        self._shared = shared
        self._numbers: dict[str, int] = {}

    def __call__(self, batch: Sequence[Example]) -> Array:
        """Return (examples,) int64, the number of what each one shares."""
        names = [str(self._shared(row)) for row in batch]
        return np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names])


def _write_anchors(task: Task, encode: Encode, folder: Path) -> None:
    """Write the tokens of the labels' texts, where a task learns from them."""
    if (matched := anchored(task)) is None:
        return
    encoded = encode(matched.anchors())
    long = [name for name, cut in zip(task.labels, encoded.truncated, strict=True) if cut]
    if long:
        raise DataError(
            f"tokenization: the texts of all items must fit, cut were {', '.join(long[:LISTED])}",
            "raise tokenization.max_length, or shorten them in task.items",
        )
    rows = [np.asarray(row, np.int32) for row in encoded.input_ids]
    starts = np.cumsum([0, *(len(row) for row in rows)])
    arrays: tuple[Array, ...] = (np.concatenate(rows), starts, np.arange(len(rows)))
    for name, array in zip(ARRAYS, arrays, strict=True):
        np.save(array_path(folder, ANCHORS, name), array)


def _checked(rows: Iterator[Example], split: Seen) -> Iterator[Example]:
    """Yield the rows; an altered one is legitimate in the training split alone."""
    for row in rows:
        if split != "train" and row.get(PARENT_ID) is not None:
            raise DataError(
                f"{split} row {row[ID]!r} is an altered copy of {row[PARENT_ID]!r}: held-out rows "
                "must be as they came",
                "run `dvc repro` to make data/augmented again",
            )
        yield row


def _figures(tallies: Mapping[Seen, Tally], specials: int) -> dict[str, Any]:
    cut = sum(t.cut_tokens for t in tallies.values())
    kept = sum(t.tokens - specials * t.rows for t in tallies.values())
    return {
        "rows": {split: tally.rows for split, tally in tallies.items()},
        "longest": {split: tally.longest for split, tally in tallies.items()},
        "truncated_rows": {split: tally.cut_rows for split, tally in tallies.items()},
        "unaligned_labels": {split: tally.unaligned for split, tally in tallies.items()},
        "truncated_share": cut / max(1, cut + kept),
    }
