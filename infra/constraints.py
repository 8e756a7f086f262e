"""In: this .venv, in which the tests passed. Out: constraints.txt, its exact versions.

    make constraints

Resolves once for all of Python 3.11 to 3.13 and all platforms, with the versions of this .venv
wherever it has the package; a pin that holds only somewhere carries an environment marker.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
OPTIONS: Final = (
    *("--universal", "--python-version", "3.11", "--all-extras", "--group", "dev"),
    *("--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)
HEAD: Final = """\
# The exact versions that were tested together, for Python 3.11 to 3.13. `make` installs these.
# Made by `make constraints` from a .venv in which `make test` passed; not edited by hand.
"""


def without_local(frozen: str) -> str:
    """Return `name==version` lines only, less the local tag of a build, such as +cpu."""
    pins = re.findall(r"^[A-Za-z0-9._-]+==[^\s+]+", frozen, flags=re.MULTILINE)
    return "\n".join(pins) + "\n"


def main() -> None:
    """Write constraints.txt."""
    uv = [sys.executable, "-m", "uv", "pip"]
    frozen = subprocess.run(
        [*uv, "freeze", "--python", sys.executable], check=True, capture_output=True, text=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(without_local(frozen), encoding="utf-8")
        resolved = subprocess.run(
            [*uv, "compile", *OPTIONS, "--constraint", str(pins), "pyproject.toml"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    (ROOT / "constraints.txt").write_text(HEAD + resolved, encoding="utf-8")


if __name__ == "__main__":
    main()
