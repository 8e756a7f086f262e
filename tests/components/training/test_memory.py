"""In: a training that runs out of memory somewhere. Out: the same training, in smaller parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from components.errors import CapacityError
from components.training import Checkpoints, Fitted, loop
from components.training.feed import Feed
from components.training.memory import out_of_memory
from components.training.run import Run
from tests.components.training.shortage import (
    AT,
    ERRORS,
    Toy,
    into,
    once,
    smaller_from_the_step_on,
)
from tests.components.training.test_fit import digest


@pytest.fixture
def known(toy: Callable[..., Toy]) -> Fitted:
    with pytest.MonkeyPatch.context() as patch:
        smaller_from_the_step_on(patch)
        return toy().train()


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("where", ["batch", "forward", "backward", "optimizer"])
def test_step_that_ran_out_of_memory_is_done_again_in_halves_bit_for_bit(
    toy: Callable[..., Toy],
    known: Fitted,
    where: str,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dropout draws the same numbers again, no gradient counts twice, no step is lost."""
    whole, again = toy(), toy()
    whole.train()
    into(where, monkeypatch, error)
    fitted = again.train()
    assert digest(fitted) == digest(known)
    assert fitted.accumulation == 2
    assert again.notes == [
        "step 4 ran out of memory; it is done again, and all that follow it, in micro-batches of "
        "8, accumulation 2"
    ]
    rates = [[(s.number, s.steps, s.learning_rate) for s in each.steps] for each in (whole, again)]
    assert rates[0] == rates[1], "the schedule and the number of steps stay"


def test_gradients_of_the_micro_batches_before_the_one_that_ran_out_do_not_count_twice(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With accumulation 2 from the start, the second half of a step runs out."""
    with pytest.MonkeyPatch.context() as patch:
        smaller_from_the_step_on(patch)
        known = toy(accumulation=2).train()
    fails, backward = once(2 * AT, ERRORS["cpu"]), Accelerator.backward

    def failing(self: Any, loss: torch.Tensor, **named: Any) -> None:
        fails()
        backward(self, loss, **named)

    monkeypatch.setattr(Accelerator, "backward", failing)
    again = toy(accumulation=2).train()
    assert digest(again) == digest(known)
    assert again.accumulation == 4


@pytest.mark.parametrize("saved", [True, False])
def test_update_that_was_half_done_is_not_done_on_top_of_itself(
    toy: Callable[..., Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    """Memory runs out when some weights have taken the step: back to what was saved last."""
    fails, real = once(AT, ERRORS["cuda"]), torch.optim.AdamW.step
    taken = []

    def half(self: Any, *rest: Any) -> Any:
        taken.append(1)
        try:
            fails()
        except RuntimeError:
            groups, self.param_groups = self.param_groups, self.param_groups[:1]
            real(self, *rest)
            self.param_groups = groups
            raise
        return real(self, *rest)

    monkeypatch.setattr(torch.optim.AdamW, "step", half)
    params = {"dropout": 0.0}
    torn = toy(**params)
    checkpoints = Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64) if saved else None
    fitted = torn.train(checkpoints)
    # Twelve steps and the one that was torn; without checkpoints, the three before it once more.
    assert len(taken) == 12 + 1 + (0 if saved else 3)
    assert "memory ran out amid an update" in torn.notes[1]
    monkeypatch.undo()
    whole = toy(**params).train().model.state_dict()
    for name, value in fitted.model.state_dict().items():
        torch.testing.assert_close(value, whole[name], atol=2e-3, rtol=0)


def test_scoring_that_ran_out_of_memory_is_done_again_and_scores_alike(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = toy().train()
    fails, real = once(1, ERRORS["cuda"]), Feed.inputs
    most = []

    def failing(self: Any, rows: Any) -> Any:
        if not torch.is_grad_enabled():
            fails()
            most.append(len(rows))
        return real(self, rows)

    monkeypatch.setattr(Feed, "inputs", failing)
    again = toy()
    fitted = again.train()
    assert [e.score for e in fitted.history] == [e.score for e in whole.history]
    assert digest(fitted) == digest(whole)
    assert again.notes == ["scoring ran out of memory; it is done again in batches of 32"]
    assert max(most) <= 32


def test_memory_that_does_not_hold_one_example_is_told_as_such(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    halvings = []

    def failing(self: Feed, rows: Any) -> Any:
        halvings.append(len(rows))
        raise ERRORS["cuda"]

    monkeypatch.setattr(Feed, "inputs", failing)
    with pytest.raises(CapacityError, match=r"step 1 must fit into memory.* of 1 example"):
        toy(batch_size=8).train()
    assert halvings == [8, 4, 2, 1]


def test_scoring_that_does_not_hold_one_example_is_told_as_such(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ERRORS["cuda"]

    monkeypatch.setattr(loop, "score", failing)
    with pytest.raises(CapacityError, match=r"scoring must fit into memory.*1 example"):
        toy(batch_size=8).train()


def test_smaller_parts_outlive_a_kill(
    toy: Callable[..., Toy], known: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    checkpoints = Checkpoints(tmp_path / "checkpoints", 0.0, "e" * 64)
    with pytest.MonkeyPatch.context() as patch:
        into("forward", patch, ERRORS["cpu"])
        real, killed = Run.step, once(AT + 2, Killed())

        def step(self: Run, *rest: Any) -> Any:
            done = real(self, *rest)
            killed()
            return done

        patch.setattr(Run, "step", step)
        with pytest.raises(Killed):
            toy().train(checkpoints)
    again = toy()
    fitted = again.train(checkpoints)
    assert again.notes == ["goes on after step 5 of epoch 1"]
    assert digest(fitted) == digest(known)


def test_other_errors_are_no_lack_of_memory(
    toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ValueError("out of memory"))
    into("forward", monkeypatch, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        toy().train()
