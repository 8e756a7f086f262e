"""In: what pip was told. Out: uv is told the same, and the pins fit what pyproject.toml asks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra import constraints, install

PLATFORM = {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"}


def pins(root: Path) -> list[Requirement]:
    lines = (root / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_environment_beats_pips_files() -> None:
    listed = ["global.index-url='https://a'", ":env:.index-url='https://b'", "user.index-url='c'"]
    assert install.pip_settings(listed) == {"index-url": "https://b"}


def test_uv_is_told_every_place_that_pip_was_told() -> None:
    settings = {
        "find-links": "/wheels https://b/wheels",
        "index-url": "https://a/simple",
        "extra-index-url": "https://c https://d",
        "timeout": "9",
    }
    assert install.uv_flags(settings) == [
        *("--find-links", "/wheels", "--find-links", "https://b/wheels"),
        *("--default-index", "https://a/simple", "--index", "https://c", "--index", "https://d"),
        *("--index-strategy", "unsafe-best-match"),
    ]


@pytest.mark.parametrize(("value", "flags"), [("1", ["--no-index"]), ("false", []), ("", [])])
def test_an_installation_from_wheels_alone_stays_one(value: str, flags: list[str]) -> None:
    assert install.uv_flags({"no-index": value}) == flags


def test_packages_are_compiled_at_once_where_python_may_not_keep_byte_code() -> None:
    assert install.byte_code_flags({"PYTHONDONTWRITEBYTECODE": "1"}) == ["--compile-bytecode"]
    assert install.byte_code_flags({}) == []


def test_extras_and_groups_are_added_to_the_base() -> None:
    base = install.requirements([], [])
    more = install.requirements(["postgres"], ["dev"])
    assert more[: len(base)] == base
    names = {Requirement(line).name for line in more[len(base) :]}
    assert {"asyncpg", "psycopg", "pytest", "ruff"} <= names


def test_outside_of_a_virtual_environment_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(install, "install", lambda *_: pytest.fail("it was called"))
    assert install.main([]) == 1
    assert "no virtual environment" in capsys.readouterr().err


def test_a_failed_installation_names_the_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "install", lambda *_: 2)
    assert install.main([]) == 1
    assert "PIP_INDEX_URL" in capsys.readouterr().err


def test_pip_installs_where_uv_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[str, ...]] = []

    def pip(*arguments: str, **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(arguments)
        return subprocess.CompletedProcess(arguments, int(install.UV in arguments), stdout="")

    monkeypatch.setattr(install, "_pip", pip)
    assert install.install(["a>=1"], Path("constraints.txt")) == 0
    assert calls[-1] == ("install", "--prefer-binary", "--constraint", "constraints.txt", "a>=1")
    assert "pip installs instead" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_requirement_has_one_pin_that_fits(root: Path, version: str) -> None:
    environment = {**PLATFORM, "python_version": version, "python_full_version": f"{version}.5"}
    valid = [pin for pin in pins(root) if pin.marker is None or pin.marker.evaluate(environment)]
    by_name = {canonicalize_name(pin.name): str(pin.specifier).lstrip("=") for pin in valid}
    assert len(by_name) == len(valid)
    for line in install.requirements(["postgres", "s3"], ["dev"]):
        wanted = Requirement(line)
        assert wanted.specifier.contains(by_name[canonicalize_name(wanted.name)]), line


def test_pins_are_exact_and_name_no_machine(root: Path) -> None:
    for pin in pins(root):
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)), pin
        assert pin.url is None
    assert not re.search(r"://|--|\.local|/", (root / "constraints.txt").read_text())


def test_local_builds_and_places_are_left_out_of_the_pins() -> None:
    frozen = "torch==2.13.0+cpu\n-e file:///home/me/x\nnumpy==2.4.6\nmine @ file:///y\n"
    assert constraints.without_local(frozen) == "torch==2.13.0\nnumpy==2.4.6\n"


def test_installing_needs_nothing_that_must_be_installed_first(root: Path) -> None:
    code = f"import runpy; runpy.run_path({str(root / 'infra' / 'install.py')!r})"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False)
    assert done.returncode == 0
