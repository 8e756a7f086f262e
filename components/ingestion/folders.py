"""In: a folder of text files. Out: its records: every line, lines side by side, or every file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

from components.errors import DataError
from components.ingestion.decoding import (
    LONGEST,
    Record,
    line_content,
    require_columns,
    text_lines,
)

TEXT: Final = "text"
FILE: Final = "file"
LABEL: Final = "label"
# What DVC and version control keep beside the files is none of the data.
ASIDE: Final = ".dvc"


def is_pattern(name: str) -> bool:
    """Tell whether a source's last part stands for several files, such as `rt-polarity.*`."""
    return any(sign in Path(name).name for sign in "*?[")


def files_of(path: Path) -> list[Path]:
    """Return the files that a folder holds, or that a pattern stands for, in the order of names.

    Hidden files and those that DVC puts beside others are none of them.

    Raises:
        DataError: there is none, or something lies among them that is no file, or leads elsewhere.
    """
    home = path if path.is_dir() else path.parent
    found = _shown(path)
    if not found:
        raise DataError(f"{path}: there are no files", "put files of text there")
    for one in found:
        if not one.is_file():
            raise DataError(
                f"{one} is no file",
                f"take it out of {home}, or name the files by a pattern, such as {home.name}/*.txt",
            )
        if not one.resolve().is_relative_to(home.resolve()):
            raise DataError(
                f"{one} leads out of {home}, where changes are not noticed",
                "copy the file into that folder",
            )
    return found


def tree_of(path: Path) -> dict[str, Path]:
    """Return the files of a source by name, those in a folder's own folders among them.

    Raises:
        DataError: there is none, or something lies among them that is no file, or leads elsewhere.
    """
    if not path.is_dir():
        return {file.name: file for file in files_of(path)}
    below = [one for one in _shown(path) if one.is_dir()]
    files = files_of(path) if not below else [one for one in _shown(path) if one.is_file()]
    files += [file for folder in below for file in tree_of(folder).values()]
    return {file.relative_to(path).as_posix(): file for file in files}


def _shown(path: Path) -> list[Path]:
    """Return what lies in a folder, or what a pattern stands for, without what is kept beside."""
    found = sorted(path.iterdir() if path.is_dir() else path.parent.glob(path.name))
    return [one for one in found if not one.name.startswith(".") and one.suffix != ASIDE]


def read_lines(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream every line of the files of a folder, or of those that a pattern stands for.

    Columns: `text`, the line, and `file`, the name of its file. A blank line is a text, too.
    """
    require_columns(str(path), columns, (TEXT, FILE))
    for file in files_of(path):
        for line in text_lines(file):
            record = {TEXT: line_content(line), FILE: file.name}
            yield {name: record[name] for name in columns}


def read_parallel(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a folder of files that belong together line by line: a column is a file's name.

    Only the files that are asked for are opened; whatever else lies there may have other lengths.
    """
    files = {file.name: file for file in files_of(path)}
    require_columns(str(path), columns, list(files))
    streams = [text_lines(files[name]) for name in columns]
    for first in streams[0]:
        row = [first, *(next(stream, None) for stream in streams[1:])]
        if None in row:
            _refuse_lengths([files[name] for name in columns])
        cells = [line_content(line) for line in row if line is not None]
        yield dict(zip(columns, cells, strict=True))
    for stream in streams[1:]:
        if next(stream, None) is not None:
            _refuse_lengths([files[name] for name in columns])


def read_texts(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a folder of folders: each is named after a label, and each of its files is a text.

    Columns: `text`, the file without its last line end; `label`; `file`, such as `pos/1.txt`.
    """
    require_columns(str(path), columns, (TEXT, LABEL, FILE))
    folders = _shown(path)
    if not folders:
        raise DataError(f"{path}: there are no folders", "make one for each label, its texts in it")
    for folder in folders:
        if not folder.is_dir():
            raise DataError(
                f"{folder} lies beside the folders of the labels",
                "put it into the folder of its label, or take it away",
            )
        for file in files_of(folder):
            if (size := file.stat().st_size) > LONGEST:
                raise DataError(f"{file}: {size} bytes, more than {LONGEST}", "split it into texts")
            text = line_content("".join(text_lines(file)))
            name = f"{folder.name}/{file.name}"
            record = {TEXT: text, LABEL: folder.name, FILE: name}
            yield {name: record[name] for name in columns}


def _refuse_lengths(files: Sequence[Path]) -> NoReturn:
    """Name two files of different lengths, and how many lines each has."""
    counts = {file: sum(1 for _ in text_lines(file)) for file in files}
    short, long = min(files, key=counts.__getitem__), max(files, key=counts.__getitem__)
    raise DataError(
        f"{short}, line {counts[short] + 1}: absent; the file has {counts[short]} lines where "
        f"{long} has {counts[long]}",
        "write one line per row into every file, an empty one where there is nothing to say",
    )
