"""In: a data set in the layout of the Hugging Face hub. Out: its records; no code of it is run."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from components.addresses import Dataset, dataset_of
from components.errors import Away, DataError
from components.files import sha256_file, sha256_json
from components.ingestion.decoding import Record
from components.ingestion.layout import README, Chosen, choose
from components.ingestion.readers import read_records

# The number of a row without a class, as the hub's own data sets write it.
UNLABELLED: Final = "-1"
NUMBERED: Final = ("parquet", "arrow")


class Split:
    """One split of a data set, whose files lie here.

    Args:
        where: the source, as params.yaml has it.
        folder: the data set's folder.
        chosen: its files.
    """

    def __init__(self, where: str, folder: Path, chosen: Chosen) -> None:
        self._where, self._folder, self._chosen = where, folder, chosen

    def digest(self) -> str:
        """Return the SHA-256 of the names and digests of its files."""
        return sha256_json({name: sha256_file(self._folder / name) for name in self._chosen.files})

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Stream the records of all files in the order of their names.

        A column of classes has their names in place of its numbers; the number -1 is missing.
        """
        numbered = self._chosen.format in NUMBERED
        classes = self._chosen.classes if numbered else {}
        row = 0
        for name in self._chosen.files:
            for record in read_records(self._folder / name, columns, self._chosen.format):
                row += 1
                if not classes:
                    yield record
                    continue
                yield {
                    column: self._meant(classes[column], row, column, value)
                    if column in classes and value is not None
                    else value
                    for column, value in record.items()
                }

    def _meant(self, names: Sequence[str], row: int, column: str, value: str) -> str | None:
        if value == UNLABELLED:
            return None
        if value.isdecimal() and int(value) < len(names):
            return names[int(value)]
        if value in names:
            return value
        raise DataError(
            f"{self._where}, row {row}: column {column!r} holds {value[:40]!r}, and {README} names "
            f"{len(names)} classes",
            "name another revision, or mend the data set",
        )


def open_folder(where: str, folder: Path) -> Split:
    """Return the split that `where` asks for, of a data set that lies in a folder.

    Raises:
        DataError: it has no such split; names those it has.
    """
    names = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]
    for name in names:
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{folder / name} leads out of {folder}", "copy the file there")
    readme = folder / README
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    return Split(where, folder, choose(where, names, text, dataset_of(where)))


def download(where: str) -> Split:
    """Return the split that `where` asks for, from the hub's cache or else from the hub.

    Raises:
        DataError: there is no such data set, revision, configuration or split.
        Away: the hub does not answer.
    """
    from huggingface_hub import hf_hub_download, snapshot_download

    asked = dataset_of(where)
    told = _asked(where, lambda: _info(asked))
    names = [sibling.rfilename for sibling in told.siblings or []]
    place: Mapping[str, Any] = {"repo_type": "dataset", "revision": told.sha}
    readme = ""
    if README in names:
        path = _asked(where, lambda: hf_hub_download(asked.name, README, **place))
        readme = Path(path).read_text(encoding="utf-8", errors="replace")
    chosen = choose(where, names, readme, asked)
    folder = _asked(
        where,
        lambda: snapshot_download(asked.name, allow_patterns=list(chosen.files), **place),
    )
    return Split(where, Path(folder), chosen)


def facts(where: str) -> dict[str, str]:
    """Return what tells that the data set changed: the commit that its revision is now.

    Raises:
        DataError: there is no such data set or revision.
        Away: the hub does not answer.
    """
    asked = dataset_of(where)
    return {"revision": str(_asked(where, lambda: _info(asked)).sha)}


def _info(asked: Dataset) -> Any:  # noqa: ANN401 - the hub's package has no types here
    from huggingface_hub import HfApi

    return HfApi().dataset_info(asked.name, revision=asked.revision)


def _asked(where: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Return what the hub answers."""
    from huggingface_hub import errors

    try:
        return work()
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise DataError(
            f"{where}: the hub has no such data set or revision, or shows it to others only",
            "correct the name, or set HF_TOKEN where the line runs",
        ) from error
    # The hub raises its own errors, httpx's, OSError and ValueError for one and the same cause.
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise Away(
            f"{where}: the hub cannot be asked: {reason}",
            "check the network and HF_HUB_OFFLINE, and run the same command again",
        ) from error
