"""In: a section of augmentation. Out: the models that its edits ask, verified and opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.augmentation.ways import NO_MODELS
from components.edits.masked import Hidden
from components.errors import EncoderError
from components.params import AugmentationParams
from flows.augment import opened
from tests.components.augmentation.made import params
from tests.models import digests


def section(folder: Path, share: float, **altered: str) -> AugmentationParams:
    model: dict[str, Any] = {
        "source": f"path:{folder}",
        "sha256": digests(folder) | {f"{name}.json": digest for name, digest in altered.items()},
    }
    tree = params(masked=share).model_dump(mode="json") | {"masked_model": model}
    return AugmentationParams.model_validate(tree)


def test_the_model_that_is_asked_is_opened(tiny_guesser: Path) -> None:
    guess = opened(section(tiny_guesser, 0.1)).guess
    assert guess is not None
    assert len(guess([Hidden("i lost my parcel .", 10, 16)])) == 1


def test_a_model_that_no_edit_asks_is_not_looked_at(tmp_path: Path, tiny_guesser: Path) -> None:
    named = section(tiny_guesser, 0.0, config="0" * 64)
    assert opened(named) == NO_MODELS
    assert opened(params(typo=0.5)) == NO_MODELS


@pytest.mark.parametrize("name", ["config", "tokenizer"])
def test_a_file_that_is_another_is_refused_before_it_is_opened(
    tiny_guesser: Path, name: str
) -> None:
    rule = rf"{name}.json is not the file that augmentation.masked_model.sha256 names"
    with pytest.raises(EncoderError, match=rule):
        opened(section(tiny_guesser, 0.1, **{name: "0" * 64}))


def test_both_translators_are_opened_each_with_its_own_digests(
    tiny_translators: tuple[Path, Path],
) -> None:
    there, back = (
        {"source": f"path:{folder}", "sha256": digests(folder), "prefix": ""}
        for folder in tiny_translators
    )
    tree = params(backtranslation=0.1).model_dump(mode="json")
    tree["translators"] = {"there": there, "back": back, "beams": 1}
    translate = opened(AugmentationParams.model_validate(tree)).translate
    assert translate is not None
    assert translate[1](translate[0](["i misplaced my package"])) == ["i lost my parcel"]
    back["sha256"] = there["sha256"]
    rule = r"is not the file that augmentation.translators.back.sha256 names"
    with pytest.raises(EncoderError, match=rule):
        opened(AugmentationParams.model_validate(tree))
