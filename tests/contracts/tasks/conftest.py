"""In: every file of components/tasks. Out: its example, encoded, for the contract suites."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import Encoded, Example, Task

MAX_LENGTH = 64


@pytest.fixture(scope="module", params=task_kinds())
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def task(kind: str) -> Task:
    return load_task(options_type(kind).example())


@pytest.fixture
def tokenizer(tiny_tokenizer: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_tokenizer / "tokenizer.json"))


@pytest.fixture
def examples(task: Task) -> list[Example]:
    return list(task.samples())


@pytest.fixture
def encoded(task: Task, tokenizer: Tokenizer, examples: list[Example]) -> Encoded:
    return task.encode(tokenizer, examples, MAX_LENGTH)
