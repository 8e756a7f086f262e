"""In: where a training stands. Out: the same on disk, whole or absent; the newest that is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from components.errors import IntegrityError
from components.files import (
    atomic_folder,
    read_json,
    sha256_file,
    sha256_json,
    verify_manifest,
    write_json,
    write_manifest,
)
from components.params import TrainingParams
from components.tasks.base import Task
from components.tokens import read_token_card
from components.training.state import State

FORMAT: Final = 1
PLACE: Final = "place.json"
SUFFIX: Final = ".safetensors"
NAME: Final = re.compile(r"epoch-(\d{5,})-step-(\d{9,})")
# What the weights' bits depend on beside this project's own code.
SHAPING: Final = ("torch", "transformers", "accelerate", "peft", "numpy")


@dataclass(frozen=True)
class Checkpoints:
    """Where one training is saved, and how often.

    Attributes:
        folder: of this training alone, outside every stage's outputs.
        minutes: wall time between two; 0: after every step. It changes no result.
        encoder: the digest of the encoder's files.
        keep: so many of the newest stay.
    """

    folder: Path
    minutes: float
    encoder: str
    keep: int = 2

    def remove(self) -> None:
        """Delete all of them: what they lead to is on the disk, or will never be wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)


def training_key(task: Task, params: TrainingParams, encoder: str, tokens: Path, seed: int) -> str:
    """Return the digest of everything that shapes the weights.

    Args:
        task: with its options.
        params: without what changes no result.
        encoder: the digest of the encoder's files.
        tokens: the folder that tokenize wrote; its card holds the arrays' digests.
        seed: of the training.
    """
    return sha256_json(
        {
            "format": FORMAT,
            "task": task.options.stored(),
            "training": params.shaping(),
            "encoder": encoder,
            "tokens": read_token_card(tokens),
            "seed": seed,
            "versions": {name: version(name) for name in SHAPING},
            "code": code_digest(),
        }
    )


def code_digest() -> str:
    """Return the digest of the code that trains, and of the tasks that it trains for."""
    here = Path(__file__).parent
    sources = [path for name in ("training", "tasks") for path in (here.parent / name).glob("*.py")]
    return sha256_json({f"{p.parent.name}/{p.name}": sha256_file(p) for p in sources})


def write_checkpoint(
    folder: Path, key: str, place: tuple[int, int], parts: Mapping[str, State]
) -> Path:
    """Write one checkpoint: safetensors, JSON, and a manifest with the digest of each.

    Args:
        folder: of all checkpoints of this training.
        key: see `training_key`.
        place: the epoch and the steps done in it, which name the checkpoint.
        parts: what must be there again, by name.

    Returns:
        Its folder, which appears whole or not at all.
    """
    from safetensors.torch import save_file

    out = folder / f"epoch-{place[0]:05d}-step-{place[1]:09d}"
    with atomic_folder(out) as partial:
        for name, state in parts.items():
            if state.tensors:
                save_file(dict(state.tensors), partial / f"{name}{SUFFIX}")
        facts = {name: state.facts for name, state in parts.items()}
        write_json(partial / PLACE, {"key": key, "parts": facts})
        write_manifest(partial)
    return out


def read_checkpoint(folder: Path, key: str, names: Collection[str]) -> dict[str, State]:
    """Read one checkpoint of these parts, every byte verified first; no code of it can run.

    Raises:
        IntegrityError: it is cut or altered, or belongs to another training.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    verify_manifest(folder)
    place = read_json(folder / PLACE)
    if place["key"] != key or set(place["parts"]) != set(names):
        raise IntegrityError("it belongs to other data, params, code or versions")
    files = {name: folder / f"{name}{SUFFIX}" for name in names}
    try:
        tensors = {name: load_file(file) for name, file in files.items() if file.exists()}
    except SafetensorError as error:
        raise IntegrityError(f"it holds no tensors: {error}") from error
    return {name: State(facts, tensors.get(name, {})) for name, facts in place["parts"].items()}


@dataclass(frozen=True)
class Found:
    """What there is to go on from.

    Attributes:
        folder: of the checkpoint that was taken; None: training starts anew.
        parts: what was in it.
        passed: why each newer one was not taken.
    """

    folder: Path | None
    parts: Mapping[str, State]
    passed: tuple[str, ...]


def newest(folder: Path, key: str, names: Collection[str]) -> Found:
    """Return the newest checkpoint that verifies and belongs to this training."""
    passed: list[str] = []
    for candidate in reversed(_all(folder)):
        try:
            return Found(candidate, read_checkpoint(candidate, key, names), tuple(passed))
        except (IntegrityError, OSError) as error:
            why = error.what if isinstance(error, IntegrityError) else str(error)
            passed.append(f"{candidate.name}: {why}")
    return Found(None, {}, tuple(passed))


def keep_only(folder: Path, kept: list[Path]) -> None:
    """Delete every checkpoint but these, and what a kill in the middle of one left behind."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _all(folder: Path) -> list[Path]:
    """Return what is named as a checkpoint, oldest first."""
    if not folder.is_dir():
        return []
    named = [(match, path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(named, key=lambda pair: tuple(map(int, pair[0].groups())))]
