"""In: the names of a data set's files, and its README. Out: which of them hold what was asked for.

https://huggingface.co/docs/hub/datasets-manual-configuration and datasets-file-names-and-splits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from components.addresses import Dataset
from components.errors import DataError

README: Final = "README.md"
# The suffixes of data, and the formats in which they are read.
FORMATS: Final[Mapping[str, str]] = {
    ".parquet": "parquet", ".arrow": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".json": "jsonl", ".csv": "csv", ".tsv": "tsv",
}  # fmt: skip
# Words in the names of files that tell their split, where README.md does not.
WORDS: Final[Mapping[str, str]] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
DEFAULT: Final = "default"
# What a configuration may say; anything else changes how its files are read.
KNOWN: Final = ("config_name", "data_files", "default", "version", "description", "features")
_FRONT: Final = re.compile(r"\A---\r?\n(.*?)\r?\n---\s*(?:\r?\n|\Z)", re.DOTALL)


class Chosen(NamedTuple):
    """Files that hold what was asked for, how they are written, and what their numbers mean."""

    files: tuple[str, ...]
    format: str
    classes: Mapping[str, tuple[str, ...]]


def choose(where: str, names: Sequence[str], readme: str, asked: Dataset) -> Chosen:
    """Return the data files of one split of one configuration.

    Nothing of a data set is run: a script beside the files is not looked at.

    Args:
        where: the source, for errors.
        names: all files, relative to the data set's folder.
        readme: the text of its README.md, whose YAML names configurations and columns of classes.
        asked: names the configuration and the split; None: there must be just one.

    Raises:
        DataError: there are several, or none; names those there are.
    """
    told = _front(where, readme)
    config = _config(where, told, asked.config)
    found = _named(where, config, names) if config else _by_words(names)
    if not (splits := {split: files for split, files in found.items() if files}):
        raise DataError(
            f"{where}: there are no data files; found: {', '.join(sorted(names)) or 'nothing'}",
            f"name a data set of {', '.join(FORMATS)} files; its scripts are never run",
        )
    split = _one(where, "split", asked.split, list(splits))
    files = tuple(sorted(set(splits[split])))
    formats = {FORMATS.get(PurePosixPath(file).suffix.lower()) for file in files}
    (kind, *more) = formats
    if more or kind is None:
        raise DataError(
            f"{where}: the split {split!r} is not in one known format: {', '.join(files)}",
            f"name one whose files are all of one of {', '.join(FORMATS)}",
        )
    return Chosen(files, kind, _classes(told, config))


def _front(where: str, readme: str) -> Mapping[str, Any]:
    """Return the YAML at the top of README.md; YAML 1.2, in which `no` is a word."""
    found = _FRONT.match(readme.removeprefix("\ufeff"))
    if found is None:
        return {}
    try:
        told = YAML(typ="safe", pure=True).load(found[1])
    except YAMLError as error:
        raise DataError(
            f"{where}: the YAML of {README} cannot be read: {str(error).splitlines()[0]}",
            "name another revision, or mend it",
        ) from error
    return told if isinstance(told, dict) else {}


def _config(where: str, told: Mapping[str, Any], asked: str | None) -> Mapping[str, Any] | None:
    configs = [one for one in told.get("configs") or [] if isinstance(one, dict)]
    if not configs:
        if asked not in (None, DEFAULT):
            raise DataError(f"{where}: {README} names no configurations", "leave out config=")
        return None
    names = {str(one.get("config_name", DEFAULT)): one for one in configs}
    marked = [name for name, one in names.items() if one.get("default") is True]
    usual = marked[0] if marked else DEFAULT if DEFAULT in names else None
    config = names[_one(where, "config", asked or usual, list(names))]
    if unknown := [str(key) for key in config if key not in KNOWN]:
        raise DataError(
            f"{where}: {README} says how its files are read: {', '.join(unknown)}",
            "download the files into ingestion.folder, and say it in the ingestion section",
        )
    return config


def _one(where: str, what: str, asked: str | None, there: Sequence[str]) -> str:
    if asked is None and len(there) == 1:
        return there[0]
    if asked in there:
        return str(asked)
    found = f"no {what} {asked!r}" if asked is not None else f"several of {what}"
    raise DataError(
        f"{where}: {found}; there are: {', '.join(there)}", f"end the name with ?{what}={there[0]}"
    )


def _named(where: str, config: Mapping[str, Any], names: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of each split as `data_files` names them, by patterns."""
    given = config.get("data_files")
    rows = given if isinstance(given, list) else [given]
    splits: dict[str, list[str]] = {}
    for row in rows:
        paths = row.get("path") if isinstance(row, dict) else row
        split = str(row.get("split", "train")) if isinstance(row, dict) else "train"
        patterns = [paths] if isinstance(paths, str) else paths
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            raise DataError(
                f"{where}: {README} names the data files in a way that is not known: {given}",
                "name another configuration, or download the files into ingestion.folder",
            )
        splits.setdefault(split, []).extend(_matching(where, patterns, names))
    return splits


def _matching(where: str, patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    found = []
    for pattern in patterns:
        rule = _rule(pattern)
        here = [name for name in names if rule.fullmatch(name)]
        if not here:
            raise DataError(f"{where}: no file is named {pattern}", "name another revision")
        found += here
    return found


def _rule(pattern: str) -> re.Pattern[str]:
    """Return a pattern of paths as an expression: * stays in a folder, ** does not."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./"))
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts))


def _by_words(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of each split by the words in their names; all are train where none has."""
    data = [name for name in names if PurePosixPath(name).suffix.lower() in FORMATS]
    splits: dict[str, list[str]] = {}
    for name in data:
        words = re.split(r"[^a-z]+", name.lower())
        if found := next((WORDS[word] for word in words if word in WORDS), None):
            splits.setdefault(found, []).append(name)
    return splits or ({"train": data} if data else {})


def _classes(
    told: Mapping[str, Any], config: Mapping[str, Any] | None
) -> dict[str, tuple[str, ...]]:
    """Return, by column, the names of its classes, whose files hold numbers."""
    infos = told.get("dataset_info") or []
    rows = [row for row in (infos if isinstance(infos, list) else [infos]) if isinstance(row, dict)]
    name = str((config or {}).get("config_name", DEFAULT))
    own = [row for row in rows if str(row.get("config_name", DEFAULT)) == name]
    classes = {}
    for feature in (own or (rows if len(rows) == 1 else [{}]))[0].get("features") or []:
        kind = feature.get("dtype") if isinstance(feature, dict) else None
        label = kind.get("class_label") if isinstance(kind, dict) else None
        if isinstance(label, dict) and isinstance(label.get("names"), dict | list):
            named = label["names"]
            values = named.values() if isinstance(named, dict) else named
            classes[str(feature.get("name"))] = tuple(map(str, values))
    return classes
