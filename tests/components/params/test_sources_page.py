"""In: docs/sources.md. Out: that its examples are what params.yaml takes, and miss no format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from components.addresses import KINDS
from components.params import IngestionParams
from components.params.data import SourceFormat
from components.params.load import parse_tree
from tests.end_to_end.tiny import laid_over

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid(example: str, params_tree: dict[str, Any]) -> None:
    base = params_tree["ingestion"] | {"source": "a.csv"}
    section = laid_over(base, parse_tree(example, "docs/sources.md")["ingestion"])
    assert IngestionParams.model_validate_json(json.dumps(section)).source != "a.csv"


def test_every_format_and_every_kind_of_source_is_told() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows == set(get_args(SourceFormat))
    assert [kind for kind in KINDS if f"{kind}:" not in PAGE and kind != "http"] == []
