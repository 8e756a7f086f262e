from __future__ import annotations

import pickle

import pytest

from components import errors
from components.errors import TouchstoneError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TouchstoneError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_error_reads_as_what_and_cure(kind: type[TouchstoneError]) -> None:
    error = kind("the file is gone", "fetch it again")
    assert str(error) == "the file is gone\n  cure: fetch it again"
    assert str(kind("the file is gone")) == "the file is gone"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_error_crosses_processes_whole(kind: type[TouchstoneError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what", "cure")))
    assert type(again) is kind
    assert (again.what, again.cure) == ("what", "cure")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_can_be_gone_on_with_does_not_end_the_process_as_failed(
    kind: type[TouchstoneError],
) -> None:
    goes_on = issubclass(kind, errors.Interrupted | errors.Away)
    assert kind("what").exit_code == (75 if goes_on else 1)


def test_exit_codes_differ() -> None:
    codes = {errors.FAILED, errors.DISK_FULL, errors.INTERRUPTED}
    assert len(codes) == 3
    assert 0 not in codes
