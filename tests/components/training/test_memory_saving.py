"""In: a save for which memory or disk does not suffice. Out: a training that goes on without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.training import Checkpoints
from components.training.parts import Moments
from tests.components.training.shortage import AT, ERRORS, Toy, once
from tests.components.training.test_fit import digest


@pytest.mark.parametrize("times", [1, 2])
def test_save_that_ran_out_of_memory_is_tried_again_and_never_ends_training(
    toy: Callable[..., Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    whole = toy().train()
    fails = [once(AT, ERRORS["cpu"]), once(AT, ERRORS["cpu"])][:times]
    real = Moments.state

    def failing(self: Moments) -> Any:
        if fails:
            call = fails[0]
            try:
                call()
            except RuntimeError:
                fails.pop(0)
                # The next try is the next call.
                fails[:] = [once(1, ERRORS["cpu"])] if fails else []
                raise
        return real(self)

    monkeypatch.setattr(Moments, "state", failing)
    again = toy()
    fitted = again.train(Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64))
    assert digest(fitted) == digest(whole)
    assert len(again.notes) == times - 1
    assert all("could not be saved, and training goes on without it" in n for n in again.notes)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_disk_that_is_full_does_not_end_a_training_that_could_go_on(
    toy: Callable[..., Toy], tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    again = toy()
    fitted = again.train(Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64))
    assert digest(fitted) == digest(toy().train())
    assert "could not be saved, and training goes on without it" in again.notes[0]
    assert len(again.notes) > 12, "it is tried again each time"
