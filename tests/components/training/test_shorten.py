from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from components.encoders import digest
from components.errors import ParamsError
from components.files import read_json, write_json
from components.params import TrainingParams
from components.tasks.base import Task
from components.training import fit
from components.training.anatomy import layers
from components.training.model import load_model
from components.training.shorten import chosen, shortened


@pytest.mark.parametrize(
    ("total", "layers", "expected"),
    [(6, 3, [0, 2, 5]), (6, 4, [0, 2, 3, 5]), (12, 6, [0, 2, 4, 7, 9, 11]), (3, 3, [0, 1, 2])],
)
def test_layers_that_stay_are_spaced_evenly(total: int, layers: int, expected: list[int]) -> None:
    assert chosen(total, layers) == expected


def test_layers_that_stay_keep_their_order_and_their_weights(tmp_path: Path) -> None:
    config = BertConfig(
        vocab_size=9,
        hidden_size=8,
        num_attention_heads=2,
        num_hidden_layers=12,
        intermediate_size=8,
    )
    whole = BertModel(config)
    whole.save_pretrained(tmp_path / "encoder")
    short = shortened(tmp_path / "encoder", 3, tmp_path / "cache")
    cut = BertModel.from_pretrained(short)
    assert len(cut.encoder.layer) == 3
    for mine, its in zip(cut.encoder.layer, (0, 6, 11), strict=True):
        for name, value in whole.encoder.layer[its].state_dict().items():
            assert torch.equal(mine.state_dict()[name], value)


def test_layer_stays_bit_for_bit_and_computes_what_it_did(
    task: Task, tiny_encoder: Path, tmp_path: Path
) -> None:
    short = shortened(tiny_encoder, 1, tmp_path)
    assert read_json(short / "config.json")["num_hidden_layers"] == 1
    ids = torch.arange(5, 15)[None]
    whole, cut = (load_model(task, place, 0.0).eval() for place in (tiny_encoder, short))
    assert len(layers(cut)) == 1
    hidden = whole.base_model(ids, output_hidden_states=True).hidden_states  # type: ignore[operator]
    assert torch.equal(cut.base_model(ids).last_hidden_state, hidden[1])  # type: ignore[operator]
    assert (short / "tokenizer.json").read_bytes() == (tiny_encoder / "tokenizer.json").read_bytes()


def test_all_layers_are_the_encoder_itself(tiny_encoder: Path, tmp_path: Path) -> None:
    assert shortened(tiny_encoder, None, tmp_path) == tiny_encoder
    assert not list(tmp_path.iterdir())


def test_shortened_encoder_trains(
    task: Task,
    section: Callable[..., TrainingParams],
    tiny_encoder: Path,
    tokens: Path,
    tmp_path: Path,
) -> None:
    short = shortened(tiny_encoder, 1, tmp_path)
    fitted = fit(task, section(epochs=1), short, tokens, 7)
    assert fitted.model.config.num_hidden_layers == 1  # type: ignore[union-attr]


def test_it_is_made_once_and_again_when_it_was_damaged(tiny_encoder: Path, tmp_path: Path) -> None:
    short = shortened(tiny_encoder, 1, tmp_path)
    weights = (short / "model.safetensors").read_bytes()
    inode = (short / "model.safetensors").stat().st_ino
    assert shortened(tiny_encoder, 1, tmp_path) == short
    assert (short / "model.safetensors").stat().st_ino == inode
    (short / "model.safetensors").write_bytes(weights[:-1])
    assert shortened(tiny_encoder, 1, tmp_path) == short
    assert (short / "model.safetensors").read_bytes() == weights


def test_more_layers_than_there_are_are_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"encoder\.layers must be at most 2, .* found 3"):
        shortened(tiny_encoder, 3, tmp_path)


def test_layers_that_share_their_weights_are_not_cut(tiny_encoder: Path, tmp_path: Path) -> None:
    """As ALBERT's: one group of weights, used by all layers."""
    shared = tmp_path / "shared"
    shutil.copytree(tiny_encoder, shared)
    tensors = load_file(shared / "model.safetensors")
    one = {n.replace("layer.0", "layer_group"): v for n, v in tensors.items() if ".1." not in n}
    save_file(one, shared / "model.safetensors")
    with pytest.raises(ParamsError, match="are not told apart"):
        shortened(shared, 1, tmp_path / "cache")


def test_settings_per_layer_are_cut_too(tiny_encoder: Path, tmp_path: Path) -> None:
    place = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, place)
    config = read_json(place / "config.json") | {"layer_types": ["full", "sliding"]}
    write_json(place / "config.json", config)
    short = shortened(place, 1, tmp_path / "cache")
    assert read_json(short / "config.json")["layer_types"] == ["full"]


def test_number_of_layers_is_part_of_the_encoders_digest() -> None:
    sha256 = {"model.safetensors": "a" * 64}
    assert digest(sha256, None) == digest(sha256)
    assert len({digest(sha256), digest(sha256, 3), digest(sha256, 4)}) == 3
