"""In: bundles whose card, tokenizer or task is wrong. Out: each refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.errors import IntegrityError
from components.files import verify_manifest, write_manifest
from components.inference import BundleCard, load_bundle, seal
from components.inference.bundle import CARD, TOKENIZER
from components.tasks.base import Task


@pytest.fixture
def folder(trained_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_bundle, tmp_path / "bundle"))


def rewrite(folder: Path, **values: Any) -> None:
    card = json.loads((folder / CARD).read_bytes())
    (folder / CARD).write_text(json.dumps(card | values))
    write_manifest(folder)


def test_a_bundle_brings_its_task_and_limits(trained_bundle: Path, task: Task) -> None:
    bundle = load_bundle(trained_bundle)
    assert bundle.task.labels == task.labels
    assert (bundle.card.max_length, bundle.card.pad_id) == (32, 0)
    assert bundle.digest == verify_manifest(trained_bundle)


def test_a_card_from_before_quantization_was_named_stays_readable(folder: Path) -> None:
    card = json.loads((folder / CARD).read_bytes())
    del card["quantization"]
    (folder / CARD).write_text(json.dumps(card | {"format": 1}))
    digest = write_manifest(folder)
    bundle = load_bundle(folder)
    assert bundle.card.quantization is None
    assert bundle.digest == digest


def test_a_card_without_out_of_scope_is_read_and_written_as_it_was(folder: Path) -> None:
    stored = json.loads((folder / CARD).read_bytes())["task"]
    assert "out_of_scope" not in stored
    options = load_bundle(folder).task.options
    assert options.model_dump()["out_of_scope"] is None
    assert options.stored() == stored


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"format": 3}, "format must be 1 or 2, found 3"),
        ({"artifact": "pickle"}, "artifact: Input should be"),
        ({"quantization": "int4"}, "quantization: Input should be"),
        ({"max_length": 0}, "max_length: "),
        ({"surprise": 1}, "surprise: "),
        ({"task": {"kind": "os"}}, "unknown kind 'os'"),
        ({"task": {"kind": "classification", "labels": ["one"]}}, "labels"),
    ],
)
def test_a_wrong_card_is_refused_with_its_field(
    folder: Path, values: dict[str, Any], named: str
) -> None:
    rewrite(folder, **values)
    with pytest.raises(IntegrityError, match=named):
        load_bundle(folder)


def test_a_card_that_is_no_mapping_is_refused(folder: Path) -> None:
    (folder / CARD).write_text("[]")
    write_manifest(folder)
    with pytest.raises(IntegrityError, match="format must be 1 or 2, found None"):
        load_bundle(folder)


def test_a_file_that_is_no_tokenizer_is_refused(folder: Path) -> None:
    (folder / TOKENIZER).write_text('{"model": null}')
    write_manifest(folder)
    with pytest.raises(IntegrityError, match="is no tokenizer"):
        load_bundle(folder)


def test_an_incomplete_folder_cannot_be_sealed(tmp_path: Path, trained_bundle: Path) -> None:
    card: BundleCard = load_bundle(trained_bundle).card
    with pytest.raises(IntegrityError, match=r"(config|model|tokenizer)\.\w+ is missing"):
        seal(tmp_path, card)


def test_sealing_again_gives_the_same_digest(folder: Path) -> None:
    assert seal(folder, load_bundle(folder).card) == verify_manifest(folder)
