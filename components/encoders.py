"""In: where the encoder comes from, and its digests. Out: a folder whose files are those bytes."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from components.errors import EncoderError
from components.files import sha256_file, sha256_json

REQUIRED: Final = ("config.json", "model.safetensors", "tokenizer.json")
INERT: Final = (".json", ".safetensors", ".txt", ".model")


def locate(source: str, sha256: Mapping[str, str], cache: Path, field: str = "encoder") -> Path:
    """Return the folder that holds the files of an encoder, or another model, each checked.

    Args:
        source: `package:<python package>`, `hub:<id>@<revision>` or `path:<folder>`.
        sha256: the digest of every file that will be opened, by its name.
        cache: where files from the hub are kept; nothing else is written.
        field: of params.yaml that names the model.

    Raises:
        EncoderError: a name is refused, the encoder is absent, or a file is not the one named.
    """
    _check_names(sha256, field)
    kind, _, place = source.partition(":")
    match kind:
        case "package":
            folder = _in_package(place, sha256, field)
        case "hub":
            folder = _from_hub(place, sha256, cache, field)
        case "path":
            folder = _in_folder(Path(place), sha256, field)
        case _:
            raise EncoderError(
                f"{field}.source: {source!r} has no known origin",
                "write package:<python package>, hub:<id>@<revision> or path:<folder>",
            )
    _verify(folder, sha256, field)
    return folder


def digest(sha256: Mapping[str, str], layers: int | None = None) -> str:
    """Return the one digest that names all files of an encoder together, and how much is used."""
    return sha256_json(dict(sha256) if layers is None else {**sha256, "layers": layers})


def name_mistakes(names: Iterable[str]) -> list[str]:
    """Return what is wrong with the names of an encoder's files.

    They must be enough to load it, stay in its folder, and have formats that cannot carry code.
    """
    names = list(names)
    outside = [n for n in names if n.startswith("/") or "\\" in n or ".." in PurePosixPath(n).parts]
    active = [n for n in names if PurePosixPath(n).suffix not in INERT]
    absent = [n for n in REQUIRED if n not in names]
    return [
        *(f"{name!r} leads out of the encoder's folder" for name in outside),
        *(
            f"{name!r} may carry code that runs when it is opened; only {', '.join(INERT)} are used"
            for name in active
        ),
        *(f"the digest of {name} is missing" for name in absent),
    ]


def _check_names(names: Iterable[str], field: str) -> None:
    mistakes = name_mistakes(names)
    if mistakes:
        raise EncoderError(
            f"{field}.sha256: {'; '.join(mistakes)}",
            f"name {', '.join(REQUIRED)}, and nothing that is not data",
        )


def _in_package(package: str, sha256: Mapping[str, str], field: str) -> Path:
    """Find the files in an installed package; none of its code runs."""
    # find_spec of a dotted name would import the parent, so only the first part is looked up.
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(top) if top else None
    places = (spec.submodule_search_locations if spec else None) or []
    roots = [root for root in (Path(place, *rest) for place in places) if root.is_dir()]
    if not roots:
        name = top.replace("_", "-")
        raise EncoderError(
            f"{field}.source: the Python package {package} is not installed",
            f"run `pip install {name}` in this environment, or name another {field}.source",
        )
    holders = [
        folder
        for root in roots
        for folder in sorted({root, *(file.parent for file in root.rglob(REQUIRED[0]))})
        if all((folder / name).is_file() for name in sha256)
    ]
    for folder in holders:
        if all(sha256_file(folder / name) == expected for name, expected in sha256.items()):
            return folder
    return holders[0] if holders else _in_folder(roots[0], sha256, field)


def _in_folder(folder: Path, sha256: Mapping[str, str], field: str) -> Path:
    absent = [name for name in sha256 if not (folder / name).is_file()]
    if absent:
        state = f"has no {', '.join(absent)}" if folder.is_dir() else "does not exist"
        raise EncoderError(
            f"{field}.source: {folder} {state}",
            f"correct {field}.source, or the file names in {field}.sha256",
        )
    return folder


def _from_hub(place: str, sha256: Mapping[str, str], cache: Path, field: str) -> Path:
    """Take the files from the cache, and only when they are not there from the network."""
    repository, _, revision = place.partition("@")
    if not repository or not revision:
        raise EncoderError(
            f"{field}.source: hub:{place} names no revision",
            "write hub:<id>@<revision>, best with a commit as the revision",
        )
    with contextlib.suppress(Exception):  # whatever the cache lacks, the hub is asked for
        kept = _snapshot(repository, revision, sha256, cache, local=True)
        return _in_folder(kept, sha256, field)
    try:
        folder = _snapshot(repository, revision, sha256, cache, local=False)
    # The hub raises its own errors, httpx's, OSError and ValueError for one and the same cause.
    except Exception as error:
        raise EncoderError(
            f"{field}.source: {repository} at {revision} is not in {cache} and cannot be "
            f"fetched from the hub: {_first_line(error)}",
            "check the name, the revision and the network, or take a model from a package "
            "or a folder, which need no network",
        ) from error
    return _in_folder(folder, sha256, field)


def _snapshot(
    repository: str, revision: str, names: Mapping[str, str], cache: Path, *, local: bool
) -> Path:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        repository,
        revision=revision,
        cache_dir=cache,
        allow_patterns=list(names),
        local_files_only=local,
    )
    return Path(folder)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _verify(folder: Path, sha256: Mapping[str, str], field: str) -> None:
    for name, expected in sha256.items():
        found = sha256_file(folder / name)
        if found != expected:
            raise EncoderError(
                f"{folder / name} is not the file that {field}.sha256 names: "
                f"expected {expected}, found {found}",
                "install or fetch that file again; or, if you trust the file that was found, "
                f"write its digest under {field}.sha256.{name}",
            )
