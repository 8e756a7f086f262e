"""In: every file of components/tasks. Out: its example, encoded, for the contract suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from components.capitals import TOKENS
from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import Encoded, Example, Task

MAX_LENGTH = 64


# Where an option makes another task of it, that one keeps the same laws.
VARIANTS: dict[str, dict[str, Any]] = {
    "classification out of scope": {
        "out_of_scope": {
            "label": "oos",
            "score": "energy",
            "threshold": 5.0,
            "in_scope_share": 0.95,
        }
    },
    "ner with capitals": {"mark_capitals": True},
}


@pytest.fixture(scope="module", params=[*task_kinds(), *VARIANTS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def kind(name: str) -> str:
    return name.partition(" ")[0]


@pytest.fixture(scope="module")
def task(name: str, kind: str) -> Task:
    options = options_type(kind)
    return load_task(options.read({**options.example().stored(), **VARIANTS.get(name, {})}))


@pytest.fixture
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    found = Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))
    found.add_tokens(list(TOKENS))
    return found


@pytest.fixture
def examples(task: Task) -> list[Example]:
    return list(task.samples())


@pytest.fixture
def encoded(task: Task, tokenizer: Tokenizer, examples: list[Example]) -> Encoded:
    return task.encode(tokenizer, examples, MAX_LENGTH)
