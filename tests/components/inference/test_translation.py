"""In: two small translation models. Out: their translations, as they must be told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from components.errors import EncoderError
from components.inference.translation import GENERATION, LONGEST, Translator
from tests.models import BACK, PAIRS, sayings

Folders = tuple[Path, Path]


def translated(saying: str, words: dict[str, str]) -> str:
    return " ".join(words[word] for word in saying.split())


@pytest.mark.parametrize("beams", [1, 3])
def test_translations_come_in_the_order_of_the_texts(tiny_translators: Folders, beams: int) -> None:
    there, back = (Translator(folder, (), "", beams) for folder in tiny_translators)
    foreign = there(sayings())
    assert foreign == [translated(saying, PAIRS) for saying in sayings()]
    assert back(foreign) == [translated(saying, BACK) for saying in foreign]
    assert there(sayings()[::-1]) == foreign[::-1]
    assert there(sayings()[:1]) == foreign[:1]


def test_what_cannot_be_translated_is_empty(tiny_translators: Folders) -> None:
    there = Translator(tiny_translators[0], (), "", 1)
    long = "lost " * LONGEST
    first, *_ = sayings()
    assert there(["", " ", long, first]) == ["", "", "", translated(first, PAIRS)]
    assert there([]) == []


def test_a_translation_without_an_end_is_empty(tiny_translators: Folders, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_translators[0], tmp_path / "endless"))
    config = json.loads((folder / "config.json").read_text())
    config["eos_token_id"] = 1  # an unknown word, which is never written
    (folder / "config.json").write_text(json.dumps(config))
    assert Translator(folder, (), "", 1)(sayings()[:2]) == ["", ""]


def test_the_prefix_stands_before_each_text(tiny_translators: Folders) -> None:
    plain = Translator(tiny_translators[0], (), "", 1)
    prefixed = Translator(tiny_translators[0], (), "i never ", 1)
    assert prefixed(["lost parcel"]) == plain(["i never lost parcel"]) != plain(["lost parcel"])


def test_a_file_that_no_digest_names_is_not_opened(
    tiny_translators: Folders, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_translators[0], tmp_path / "generation"))
    (folder / GENERATION).write_text("{ this is no JSON")
    assert Translator(folder, (), "", 1)(sayings()[:1]) == [translated(sayings()[0], PAIRS)]
    with pytest.raises(EncoderError, match=r"generation_config.json cannot be read as settings"):
        Translator(folder, (GENERATION,), "", 1)


def test_a_listed_generation_file_tells_the_tokens_and_nothing_of_the_search(
    tiny_translators: Folders, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_translators[0], tmp_path / "listed"))
    config = json.loads((folder / "config.json").read_text())
    tokens = {name: config.pop(name) for name in ("eos_token_id", "decoder_start_token_id")}
    chance = {"do_sample": True, "temperature": 50.0, "num_beams": 2, "max_new_tokens": 1}
    pad = {"pad_token_id": config["pad_token_id"]}
    (folder / GENERATION).write_text(json.dumps({**tokens, **pad, **chance}))
    assert Translator(folder, (GENERATION,), "", 1)(sayings()) == [
        translated(saying, PAIRS) for saying in sayings()
    ]


def test_a_model_of_another_kind_is_refused(tiny_guesser: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"cannot be read as a model"):
        Translator(tiny_guesser, (), "", 1)


def test_a_model_that_does_not_say_where_it_begins_is_refused(
    tiny_translators: Folders, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_translators[0], tmp_path / "headless"))
    (folder / GENERATION).write_text('{"eos_token_id": 0, "pad_token_id": 24}')
    with pytest.raises(EncoderError, match=r"decoder_start_token_id must be a token, found None"):
        Translator(folder, (GENERATION,), "", 1)


def test_a_config_that_no_library_can_read_is_told_plainly(
    tiny_translators: Folders, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_translators[0], tmp_path / "broken"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "d_model": "wide"}))
    with pytest.raises(EncoderError, match=r"cannot be read as a model"):
        Translator(folder, (), "", 1)
