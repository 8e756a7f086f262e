"""In: a run that has not begun. Out: its encoder, which puts texts of one label near one another.

A first phase for few labels. From n labelled texts it makes on the order of n^2 pairs, so that it
finds more to learn than a head does that sees n answers (SetFit: Tunstall et al.,
arXiv:2209.11055). Here all pairs of a batch are compared at once, by the supervised contrastive
loss (Khosla et al., arXiv:2004.11362), and the head then learns as ever, with the whole encoder.

The phase is short beside the training. It is not saved while it runs: cut short before the
training's first checkpoint, it is done again, and comes to the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from components.errors import CapacityError, DivergenceError, Interrupted, ParamsError
from components.seeding import generator
from components.tasks.base import IGNORED
from components.training.batches import Rows
from components.training.interrupt import Asked
from components.training.memory import persist
from components.training.meter import CURE
from components.training.optimizer import adamw, set_rate, update
from components.training.run import Run

if TYPE_CHECKING:
    import torch

LEAST_LABELS: Final = 2


def contrast(run: Run, seed: int, asked: Asked, tell: Callable[[str], None]) -> None:
    """Train the encoder on pairs for `params.contrastive_epochs` epochs; 0: nothing is touched.

    The rate, its warm-up and its decay are those of the training, over the phase's own steps. A
    batch has as many rows as the training holds in memory at once.

    Args:
        run: at its start; what is frozen stays as it is.
        seed: draws the pairs.
        asked: whether the process was asked to end.
        tell: told what the phase came to.

    Raises:
        ParamsError: the task has no one label per row.
        DivergenceError: the loss is not finite.
        CapacityError: a batch does not fit into memory.
        Interrupted: the process was asked to end.
    """
    params = run.params
    if not params.contrastive_epochs:
        return
    _check(run)
    size = params.batch_size // params.accumulation
    epochs = range(1, params.contrastive_epochs + 1)
    targets = np.asarray(run.train.tokens.targets)
    drawn = [pair_batches(targets, size, generator(seed, "pairs", epoch)) for epoch in epochs]
    batches = [batch for each in drawn for batch in each]
    optimizer = adamw(run.plain, params)
    losses = []
    for number, rows in enumerate(batches):
        if asked.by:
            raise Interrupted(
                f"training: {asked.by} came in the contrastive phase",
                "run the same command again: the phase, which is short, starts anew",
            )
        set_rate(optimizer, params, number, len(batches))
        losses.append(persist(lambda rows=rows: _backward(run, rows), _give_up))  # type: ignore[misc]
        update(run.plain, optimizer, params.max_grad_norm)
    told = _means(losses, len(drawn[0]))
    tell(f"contrastive phase: loss {told[0]:.3f} in its first epoch, {told[-1]:.3f} in its last")


def pair_batches(
    targets: npt.NDArray[np.int64], size: int, random: np.random.Generator
) -> list[Rows]:
    """Draw one epoch: every labelled row at least once, in a batch with another of its label.

    The rows of a label are paired at random. One that is left over is paired with any other of its
    label; the only row of a label with itself, of which dropout makes two views (Gao et al.,
    arXiv:2104.08821).

    Args:
        targets: (rows,) labels, or IGNORED.
        size: rows per batch, rounded down to pairs.
        random: draws.
    """
    pairs = []
    for label in np.unique(targets[targets != IGNORED]).tolist():
        rows = random.permutation(np.flatnonzero(targets == label)).astype(np.int64)
        if len(rows) % 2:
            rest = rows[:-1]
            rows = np.append(rows, random.choice(rest) if len(rest) else rows[-1])
        pairs.append(rows.reshape(-1, 2))
    shuffled = random.permutation(np.concatenate(pairs))
    # One pair alone has nothing to be told from.
    parts = np.array_split(shuffled, -(-len(shuffled) // max(2, size // 2)))
    return [part.reshape(-1) for part in parts]


def contrastive_loss(
    vectors: torch.Tensor, targets: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return the supervised contrastive loss, the mean over rows (Khosla et al., equation 2).

    For row i with positives P(i), the other rows of its label, it is
    -1/|P(i)| sum over p in P(i) of log(exp(z_i z_p / t) / sum over a != i of exp(z_i z_a / t)).

    Args:
        vectors: (rows, width), of any length: their cosines count.
        targets: (rows,); each label stands at least twice.
        temperature: t.
    """
    import torch
    from torch.nn.functional import normalize

    unit = normalize(vectors.float(), dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    near = (unit @ unit.T / temperature).masked_fill(itself, -math.inf)
    same = (targets[:, None] == targets[None, :]) & ~itself
    logs = near.log_softmax(dim=-1).masked_fill(~same, 0.0)
    return -(logs.sum(dim=-1) / same.sum(dim=-1)).mean()


def vectors_of(run: Run, rows: Rows) -> torch.Tensor:
    """Return (rows, width) the mean of each text's last hidden states, padding left out."""
    inputs = run.train.inputs(rows)
    encoder: Callable[..., object] = run.plain.base_model  # type: ignore[assignment]
    with run.accelerator.autocast():
        hidden: torch.Tensor = encoder(**inputs).last_hidden_state  # type: ignore[attr-defined]
    mask = inputs.get("attention_mask")
    if mask is None:
        return hidden.float().mean(dim=1)
    weights = mask.unsqueeze(-1).float()
    return (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1)


def _backward(run: Run, rows: Rows) -> torch.Tensor:
    """Make gradients, of all processes alike; return the loss."""
    accelerator = run.accelerator
    run.plain.zero_grad()
    vectors, targets = vectors_of(run, rows), run.train.targets(rows)
    loss = contrastive_loss(vectors, targets, run.params.contrastive_temperature)
    loss.backward()  # type: ignore[no-untyped-call]
    if accelerator.num_processes > 1:
        # Every process has the whole batch, with dropout of its own.
        for weight in run.plain.parameters():
            if weight.grad is not None:
                weight.grad = accelerator.reduce(weight.grad, "mean")
    return loss.detach()


def _check(run: Run) -> None:
    targets = run.train.tokens.targets
    if targets.ndim != 1 or len(np.unique(targets[targets != IGNORED])) < LEAST_LABELS:
        raise ParamsError(
            "training.contrastive_epochs: must be 0 for a task whose rows have not one label each "
            f"of at least {LEAST_LABELS}, found {run.params.contrastive_epochs}",
            "set training.contrastive_epochs to 0",
        )


def _give_up(reason: str) -> None:
    raise CapacityError(
        f"training: a batch of the contrastive phase must fit into memory, ran out of it: {reason}",
        "raise training.accumulation: the phase takes batch_size / accumulation rows at once",
    )


def _means(losses: list[torch.Tensor], steps: int) -> list[float]:
    """Return the mean loss of each epoch; the one place where the host waits for the device."""
    import torch

    values = torch.stack(losses).tolist()
    means = [math.fsum(values[at : at + steps]) / steps for at in range(0, len(values), steps)]
    if not all(map(math.isfinite, means)):
        raise DivergenceError("training: the contrastive loss must be finite, found NaN", CURE)
    return means
