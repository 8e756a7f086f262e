"""In: nothing. Out: what makes toy bundles, toy data and reports on them, as fixtures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.components.toy_bundles import make_bundle, make_trained
from tests.components.toy_reports import make_data, make_reports


@pytest.fixture(scope="session")
def toy_bundle() -> Callable[..., Path]:
    """Make an int8-like bundle whose answer is the label that its words vote for."""
    return make_bundle


@pytest.fixture(scope="session")
def toy_trained() -> Callable[..., Path]:
    """Make the torch bundle that answers by key words as a toy bundle does."""
    return make_trained


@pytest.fixture(scope="session")
def toy_data() -> Callable[..., Path]:
    """Make a data folder: each text has one key word, true labels as the words say."""
    return make_data


@pytest.fixture(scope="session")
def toy_reports() -> Callable[..., tuple[Path, Path]]:
    """Make evaluation folder and parity file that are true of a toy bundle and toy data."""
    return make_reports
