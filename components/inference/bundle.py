"""In: a bundle folder. Out: its task, tokenizer and limits, once every byte has been verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from components.errors import IntegrityError, ParamsError
from components.files import MANIFEST, read_json, verify_manifest, write_json, write_manifest
from components.tasks import load_task, options_type
from components.tasks.base import Task

FORMAT: Final = 2
# Cards of format 1 say nothing of the quantization; bundles in a registry stay as they are.
READABLE: Final = (1, 2)
CARD: Final = "bundle.json"
TOKENIZER: Final = "tokenizer.json"
WEIGHTS: Final = "model.safetensors"
CONFIG: Final = "config.json"
GRAPH: Final = "model.onnx"
HISTORY: Final = "training.json"
REMAKE: Final = "run `dvc repro` to make it anew"

Artifact = Literal["trained", "onnx", "int8"]
Quantization = Literal["dynamic", "static", "mixed", "fp32"]
# Nothing else may lie in a bundle: in particular no pickle, and no Python.
FILES: Final[Mapping[str, frozenset[str]]] = {
    "trained": frozenset({MANIFEST, CARD, TOKENIZER, WEIGHTS, CONFIG}),
    "onnx": frozenset({MANIFEST, CARD, TOKENIZER, GRAPH}),
    "int8": frozenset({MANIFEST, CARD, TOKENIZER, GRAPH}),
}


class BundleCard(BaseModel):
    """What `bundle.json` says."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    format: Literal[1, 2]
    """Version of this layout."""
    artifact: Artifact
    """What the folder holds: a torch model, its graph in fp32, or the graph that is served."""
    quantization: Quantization | None = None
    """How the served graph computes; null for the others."""
    task: dict[str, Any]
    """The task's options."""
    max_length: Annotated[int, Field(ge=1)]
    """Tokens per example, special ones included; longer texts are cut."""
    pad_id: Annotated[int, Field(ge=0)]
    """Token id that fills a batch up to its longest text."""
    lineage: dict[str, str]
    """The lineage id, and the digests that it is made of."""


@dataclass(frozen=True)
class Bundle:
    """A verified folder that can predict.

    Attributes:
        folder: where it lies.
        digest: names the whole folder; see `files.write_manifest`.
        card: what `bundle.json` says.
        task: made from the card's options.
        tokenizer: made from `tokenizer.json`.
    """

    folder: Path
    digest: str
    card: BundleCard
    task: Task
    tokenizer: Tokenizer


def seal(folder: Path, card: BundleCard) -> str:
    """Write `bundle.json`, then the manifest, into a folder that holds the rest; return its digest.

    Raises:
        IntegrityError: the folder holds too much or too little for its artifact.
    """
    write_json(folder / CARD, card.model_dump(mode="json"))
    _check_names(folder, card.artifact, {path.name for path in folder.iterdir()} | {MANIFEST})
    return write_manifest(folder)


def load_bundle(folder: Path) -> Bundle:
    """Verify a bundle's files, then read its card, task and tokenizer.

    Raises:
        IntegrityError: a file is missing, surplus, altered or of another format; names it.
    """
    digest = verify_manifest(folder)
    card = _read_card(folder / CARD)
    _check_names(folder, card.artifact, {p.relative_to(folder).as_posix() for p in _tree(folder)})
    return Bundle(folder, digest, card, _task(folder, card), _tokenizer(folder / TOKENIZER))


def _tree(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def _read_card(path: Path) -> BundleCard:
    value = read_json(path)
    found = value.get("format") if isinstance(value, dict) else None
    if found not in READABLE:
        expected = " or ".join(str(known) for known in READABLE)
        raise IntegrityError(f"{path}: format must be {expected}, found {found!r}", REMAKE)
    try:
        return BundleCard.model_validate_json(json.dumps(value))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in detail["loc"])
        raise IntegrityError(f"{path}: {name}: {detail['msg']}", REMAKE) from error


def _check_names(folder: Path, artifact: Artifact, names: set[str]) -> None:
    surplus, missing = names - FILES[artifact], FILES[artifact] - names
    if artifact == "trained":
        surplus -= {HISTORY}  # how the training went: for people, not needed to predict
    if surplus:
        raise IntegrityError(f"{folder / min(surplus)} is no part of a {artifact} bundle", REMAKE)
    if missing:
        raise IntegrityError(f"{folder / min(missing)} is missing", REMAKE)


def _task(folder: Path, card: BundleCard) -> Task:
    try:
        options = options_type(str(card.task.get("kind")))
        return load_task(options.read(card.task))
    except (ParamsError, ValidationError) as error:
        raise IntegrityError(f"{folder / CARD}: task: {error}", REMAKE) from error


def _tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise IntegrityError(f"{path} is no tokenizer: {error}", REMAKE) from error
