"""In: options that change what a task answers. Out: the laws of all tasks hold for them, too."""

from __future__ import annotations

import pytest

from components.tasks import load_task
from components.tasks.base import Task, TaskOptions
from components.tasks.pair import Options as PairOptions
from tests.contracts.tasks import test_answers as answers
from tests.contracts.tasks import test_inputs as inputs

FURTHER: dict[str, TaskOptions] = {
    "graded pairs": PairOptions(
        kind="pair", labels=None, range=(0.0, 5.0), tolerance=0.5, scatter=None
    ),
}


@pytest.fixture(scope="module", params=list(FURTHER))
def task(request: pytest.FixtureRequest) -> Task:
    return load_task(FURTHER[request.param])


@pytest.fixture
def kind(task: Task) -> str:
    return task.options.kind


globals().update(
    {
        name: law
        for laws in (answers, inputs)
        for name, law in vars(laws).items()
        if name.startswith("test_")
        # Ranks are those of all examples together, and a number is rejected for reasons of its own.
        and name not in {"test_tallies_are_of_each_example_alone", "test_unknown_label_is_rejected"}
    }
)
