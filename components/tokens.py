"""In: a folder of token arrays. Out: the same, memory-mapped, one split at a time.

The test split has no arrays: nothing that trains or searches has anything of it to read.
"""

from __future__ import annotations

import itertools
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from components.errors import DataError
from components.files import atomic_folder, read_json, sha256_file, write_json
from components.schema import Seen

ARRAYS: Final = ("input_ids", "offsets", "targets")
CARD: Final = "card.json"
# Beside the splits: texts of labels, for tasks that learn from them.
ANCHORS: Final = "anchors"
# Of training rows, which are altered copies, and the number of the labelled row that each is from;
# of validation rows, the number of each one's group.
ALTERED: Final = "altered"
ROOTS: Final = "roots"
GROUPS: Final = "groups"


def array_path(folder: Path, split: Seen | Literal["anchors"], array: str) -> Path:
    """Return where one array of one split lies."""
    return folder / f"{split}.{array}.npy"


@dataclass(frozen=True)
class TokenSplit:
    """The tokens of one split; all processes that read it share one copy in the page cache.

    Attributes:
        input_ids: (tokens,) int32, the rows one after the other.
        offsets: (rows + 1,) int64, where each row starts.
        targets: (rows, ...) what the head learns, or (tokens,) where it answers each token.
    """

    input_ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    targets: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(rows,) tokens of each row."""
        return np.diff(self.offsets)

    @property
    def per_token(self) -> bool:
        """Whether each token has a target."""
        return len(self.targets) == len(self.input_ids) != len(self)

    def target(self, index: int) -> npt.NDArray[Any]:
        """Return what the head learns of one row, (...) or (its tokens,), as a view."""
        if self.per_token:
            return self.targets[self.offsets[index] : self.offsets[index + 1]]
        return np.asarray(self.targets[index])

    def row(self, index: int) -> npt.NDArray[np.int32]:
        """Return the token ids of one row, as a view."""
        return self.input_ids[self.offsets[index] : self.offsets[index + 1]]


def open_anchors(folder: Path) -> TokenSplit | None:
    """Map the tokens of the labels' texts, whose targets are their own numbers; None without any.

    Raises:
        DataError: an array is absent, cut, or does not fit the others.
    """
    return open_split(folder, ANCHORS) if array_path(folder, ANCHORS, "targets").exists() else None


def open_split(folder: Path, split: Seen | Literal["anchors"]) -> TokenSplit:
    """Map the arrays of one split.

    Raises:
        DataError: an array is absent, cut, or does not fit the others.
    """
    try:
        loaded = [np.load(array_path(folder, split, name), mmap_mode="r") for name in ARRAYS]
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{folder}: {split} tokens cannot be read: {error}", "run `dvc repro`"
        ) from error
    tokens = TokenSplit(*loaded)
    fits = len(tokens.targets) in (len(tokens), len(tokens.input_ids))
    if not fits or tokens.offsets[-1] != len(tokens.input_ids):
        raise DataError(f"{folder}: the {split} arrays do not fit one another", "run `dvc repro`")
    return tokens


def open_altered(folder: Path) -> npt.NDArray[np.bool_]:
    """Return (rows,) whether each training row is an altered copy of another.

    Raises:
        DataError: it cannot be told.
    """
    return _beside(folder, "train", ALTERED)


def open_roots(folder: Path) -> npt.NDArray[np.int64]:
    """Return (rows,) the number of the labelled text that each training row is from.

    It is shared by the windows of a long text, and by its altered copies, which cost no label.

    Raises:
        DataError: it cannot be told.
    """
    return _beside(folder, "train", ROOTS)


def unaltered(folder: Path) -> npt.NDArray[np.int64]:
    """Return (rows,) the training rows, in the place of each altered copy the one it is made from.

    The windows of a copy are those of its original in turn, whose last one may not be needed, or
    its first one twice. A copy whose original is not there is left out.

    Raises:
        DataError: it cannot be told.
    """
    roots, altered = open_roots(folder), open_altered(folder)
    windows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(~altered).tolist():
        windows[int(roots[row])].append(row)
    turns = {root: itertools.cycle(rows) for root, rows in windows.items()}
    found = [
        next(turns[root]) if copy else row
        for row, (root, copy) in enumerate(zip(roots.tolist(), altered.tolist(), strict=True))
        if not copy or root in turns
    ]
    return np.array(found, dtype=np.int64)


def open_groups(folder: Path) -> npt.NDArray[np.int64]:
    """Return (rows,) the number of each validation row's group: of one customer, say.

    Raises:
        DataError: it cannot be told.
    """
    return _beside(folder, "validation", GROUPS)


def _beside(folder: Path, split: Seen, name: str) -> npt.NDArray[Any]:
    """Read an array that says something of each row of a split."""
    path = array_path(folder, split, name)
    try:
        found: npt.NDArray[Any] = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}", "run `dvc repro`") from error
    if len(found) != len(open_split(folder, split)):
        raise DataError(f"{path} does not fit the {split} arrays", "run `dvc repro`")
    return found


def read_token_card(folder: Path) -> dict[str, Any]:
    """Read what tokenize wrote beside the arrays: digests, max_length, pad_id, truncated share."""
    card: dict[str, Any] = read_json(folder / CARD)
    return card


def subset(folder: Path, rows: npt.NDArray[np.int64], out: Path) -> None:
    """Write a folder of tokens that has these training rows alone, and all else as it is.

    Args:
        folder: that tokenize wrote.
        rows: (kept,) numbers of training rows, in the order in which they shall stand.
        out: replaced; its card names its own arrays, so that nobody takes it for the whole.

    Raises:
        DataError: the arrays cannot be read.
    """
    whole = open_split(folder, "train")
    ids = [whole.row(row) for row in rows.tolist()]
    arrays = {
        "input_ids": np.concatenate([np.zeros(0, np.int32), *ids]),
        "offsets": np.cumsum([0, *(len(row) for row in ids)], dtype=np.int64),
        "targets": np.concatenate([whole.target(row) for row in rows.tolist()])
        if whole.per_token
        else whole.targets[rows],
    }
    for name in (ALTERED, ROOTS):
        if array_path(folder, "train", name).exists():
            arrays[name] = _beside(folder, "train", name)[rows]
    parts = {array_path(folder, "train", name).name: array for name, array in arrays.items()}
    with atomic_folder(out) as partial:
        for path in folder.iterdir():
            if path.name not in parts:
                shutil.copyfile(path, partial / path.name)
        for name, array in parts.items():
            np.save(partial / name, array)
        card = read_token_card(folder)
        digests = {name: sha256_file(partial / name) for name in parts}
        counts = {**card.get("rows", {}), "train": len(ids)}
        whole_digests = card.get("sha256", {})
        write_json(partial / CARD, {**card, "rows": counts, "sha256": {**whole_digests, **digests}})
