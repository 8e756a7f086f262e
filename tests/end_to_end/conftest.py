"""In: nothing. Out: clones of the project that are small; temporary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.end_to_end.tiny import clone


@pytest.fixture
def tiny_project(
    root: Path, tmp_path: Path, tiny_encoder: Path, tiny_encoder_sha256: Mapping[str, str]
) -> Path:
    """A git clone of the project whose whole line runs in a minute or two."""
    return clone(root, tmp_path / "project", tiny_encoder, tiny_encoder_sha256)
