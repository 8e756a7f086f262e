"""In: pyproject.toml and constraints.txt. Out: the packages they name, in this .venv.

    .venv/bin/python infra/install.py [--extra NAME ...] [--group NAME ...]

Runs before anything is installed, so it needs the standard library alone. uv installs, since it
takes seconds where pip takes minutes; pip does where uv cannot be had. What pip has been told
(PIP_FIND_LINKS, PIP_INDEX_URL, pip.conf ...) is told to uv too, which does not read it itself.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
CONSTRAINTS: Final = "constraints.txt"
UV: Final = "uv>=0.8"
# pip's setting to uv's flag; a value may hold several places, separated by white space
PLACES: Final = {
    "find-links": "--find-links",
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "trusted-host": "--allow-insecure-host",
}


def pip_settings(listed: Iterable[str]) -> dict[str, str]:
    """Return pip's settings from the lines of `pip config list`; the environment beats files."""
    found: dict[str, str] = {}
    for line in listed:
        name, _, value = line.partition("=")
        scope, _, key = name.rpartition(".")
        if value and (scope == ":env:" or key not in found):
            found[key] = str(ast.literal_eval(value))
    return found


def uv_flags(settings: dict[str, str]) -> list[str]:
    """Return uv's flags for the same packages as pip's settings lead to."""
    flags = [
        part
        for name, flag in PLACES.items()
        for place in settings.get(name, "").split()
        for part in (flag, place)
    ]
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        flags.append("--no-index")
    # pip takes the best version of all indexes; uv would stop at the first that knows the name
    return [*flags, "--index-strategy", "unsafe-best-match"] if "--index" in flags else flags


def byte_code_flags(environment: Mapping[str, str]) -> list[str]:
    """Return uv's flag to compile now what Python may not keep later, as containers often say.

    Every process of the line would compile every package anew, which costs seconds each time.
    """
    return ["--compile-bytecode"] if environment.get("PYTHONDONTWRITEBYTECODE") else []


def requirements(extras: Iterable[str], groups: Iterable[str]) -> list[str]:
    """Return what pyproject.toml asks for: the base, and the extras and groups that are named."""
    tree: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(tree["project"]["dependencies"])
    for name in extras:
        wanted += tree["project"]["optional-dependencies"][name]
    for name in groups:
        wanted += tree["dependency-groups"][name]
    return wanted


def install(wanted: Sequence[str], constraints: Path) -> int:
    """Install with uv, else with pip; return the exit code."""
    if _pip("--version", capture_output=True).returncode:
        subprocess.run([sys.executable, "-m", "ensurepip"], check=False, capture_output=True)
    listed = _pip("config", "list", capture_output=True, text=True).stdout.splitlines()
    settings = pip_settings(listed)
    if cert := settings.get("cert"):
        os.environ.setdefault("SSL_CERT_FILE", cert)
    asked = ["--constraint", str(constraints), *wanted]
    if _pip("install", "-qq", UV, *asked[:2]).returncode == 0:
        command = [sys.executable, "-m", "uv", "--quiet", "pip", "install", "--python"]
        command.append(sys.executable)
        flags = [*uv_flags(settings), *byte_code_flags(os.environ)]
        return subprocess.run([*command, *flags, *asked], check=False).returncode
    print("uv cannot be installed: pip installs instead, which takes longer", file=sys.stderr)
    return _pip("install", "--prefer-binary", *asked).returncode


def _pip(*arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:  # noqa: ANN401
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False, **options)


def main(argv: Sequence[str]) -> int:
    """Install; say in one sentence what to look at when it did not work."""
    parser = argparse.ArgumentParser(description="Install Touchstone's packages into this .venv.")
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    options = parser.parse_args(argv)
    if sys.prefix == sys.base_prefix:
        print("this is no virtual environment: run `make demo` or `make test`", file=sys.stderr)
        return 1
    started = time.monotonic()
    code = install(requirements(options.extra, options.group), ROOT / CONSTRAINTS)
    if code:
        print(
            "\nthe packages could not be installed; the reason stands above\n"
            "  cure: a package index must be reachable: PIP_INDEX_URL names another one, "
            "PIP_FIND_LINKS a folder of wheels; then run the same command again",
            file=sys.stderr,
        )
        return 1
    print(f"installed in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
