"""In: what one fork has imported. Out: the same in its parent, so that the next finds it there."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import sys
import threading
from pathlib import Path


def note_modules(to: Path) -> None:
    """Write the names of all modules that this process has imported."""
    to.write_text(json.dumps(sorted(sys.modules)))


def import_all(noted: Path) -> None:
    """Import what was noted; some modules only work inside others, and are left out."""
    for name in json.loads(noted.read_text()):
        if name not in sys.modules and not name.startswith("_"):
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    assert threading.active_count() == 1, f"a fork would lose {threading.enumerate()}"
    # A collection in a fork would copy the pages of all that it looks at.
    gc.freeze()
