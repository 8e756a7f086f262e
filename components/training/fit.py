"""In: tokens, an encoder and the training section. Out: the model of the best epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import DataError
from components.params import TrainingParams
from components.seeding import derive, generator
from components.tasks.base import Task
from components.tokens import open_split, read_token_card
from components.training.batches import Rows, length_batches, micro_batches
from components.training.checkpoint import Checkpoints
from components.training.device import accelerated, repeatable
from components.training.feed import Feed
from components.training.fitted import Fitted
from components.training.loss import IGNORED, summed_cross_entropy
from components.training.meter import Meter
from components.training.model import load_model
from components.training.optimizer import adamw, set_rate
from components.training.scoring import score
from components.training.stopping import Best
from components.training.watch import Epoch, Watch

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

UNWATCHED = Watch()


def fit(  # noqa: PLR0913, PLR0917 - one entry to training; the last two change no result
    task: Task,
    params: TrainingParams,
    encoder: Path,
    tokens: Path,
    seed: int,
    watch: Watch = UNWATCHED,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Fine-tune the encoder with the task's head; keep the weights of the best validation score.

    The same arguments give the same weights, bit for bit, on the same kind of CPU with as many
    threads.

    Args:
        task: names the head, the collation and the metric.
        params: the training section, the search's winner laid over it.
        encoder: folder with config.json and safetensors.
        tokens: folder that tokenize wrote.
        seed: all draws derive from it.
        watch: told of steps and epochs; what it raises ends the training.
        checkpoints: where it is saved; None: nowhere.

    Raises:
        DataError: the tokens are absent or broken, or a split has no row or no label.
        EncoderError: the encoder cannot be read.
        DivergenceError: a loss, a gradient, a weight or a metric is NaN or infinite; of losses and
            gradients, it is noticed within 10 steps.
    """
    with repeatable(derive(seed, "training")), accelerated(params.precision) as accelerator:
        run = _start(task, params, encoder, tokens, accelerator)
        best, history = _epochs(run, seed, watch)
        model = accelerator.unwrap_model(run.model).to("cpu").eval()
        best.restore(model)
        trained_on = len(run.train.tokens) * len(history)
        return Fitted(
            model=model,
            score=best.score,
            best_epoch=best.epoch,
            history=history,
            params=params,
            seed=seed,
            device=accelerator.device.type,
            examples_per_second=trained_on / sum(epoch.seconds for epoch in history),
        )


@dataclass(frozen=True)
class _Run:
    """What one training works with."""

    params: TrainingParams
    accelerator: Accelerator
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    train: Feed
    validation: Feed

    def train_on(self, batches: list[Rows], meter: Meter) -> None:
        """Take one optimizer step per batch."""
        rate = 0.0
        for batch in batches:
            rate = set_rate(self.optimizer, self.params, meter.number, meter.steps)
            loss = self._backward(batch)
            norm = self.accelerator.clip_grad_norm_(
                self.model.parameters(), self.params.max_grad_norm
            )
            self.optimizer.step()
            self.optimizer.zero_grad()
            meter.add(loss, norm, len(batch), rate)
        meter.report(rate)

    def _backward(self, batch: Rows) -> torch.Tensor:
        """Add up the gradients of the batch's mean loss; return its summed loss, detached."""
        import torch

        losses = []
        for rows in micro_batches(batch, self.params.accumulation):
            logits = self.model(**self.train.inputs(rows)).logits
            loss = summed_cross_entropy(
                logits, self.train.targets(rows), self.params.label_smoothing
            )
            self.accelerator.backward(loss / len(batch))
            losses.append(loss.detach())
        return torch.stack(losses).sum()


def _epochs(run: _Run, seed: int, watch: Watch) -> tuple[Best, tuple[Epoch, ...]]:
    """Train until the epochs or the patience run out."""
    params, task, lengths = run.params, run.train.task, run.train.lengths
    best, history = Best(params.patience), []
    meter = Meter(watch, steps=params.epochs * -(-len(lengths) // params.batch_size))
    for number in range(1, params.epochs + 1):
        meter.begin(number)
        draw = generator(seed, "batches", number)
        run.train_on(length_batches(lengths, params.batch_size, draw), meter)
        metrics = score(run.model, run.validation)
        history.append(_epoch(meter, params.epochs, metrics, task.metric))
        best.offer(run.accelerator.unwrap_model(run.model), metrics[task.metric])
        watch.on_epoch(history[-1])
        if best.exhausted:
            break
    return best, tuple(history)


def _start(
    task: Task, params: TrainingParams, encoder: Path, tokens: Path, accelerator: Accelerator
) -> _Run:
    pad_id = int(read_token_card(tokens)["pad_id"])
    feeds = [
        Feed(task, open_split(tokens, split), pad_id, accelerator.device)
        for split in ("train", "validation")
    ]
    for feed, split in zip(feeds, ("train", "validation"), strict=True):
        if len(feed.tokens) == 0:
            raise DataError(f"{tokens}: the {split} split must have rows, found none", "add data")
        if not (feed.tokens.targets != IGNORED).any():
            raise DataError(
                f"{tokens}: the {split} split must have labels, found all of them masked",
                "look at how the task encodes its targets",
            )
    model = load_model(task, encoder, params.dropout)
    model, optimizer = accelerator.prepare(model.train(), adamw(model, params))
    return _Run(params, accelerator, model, optimizer, *feeds)


def _epoch(meter: Meter, epochs: int, metrics: dict[str, float], metric: str) -> Epoch:
    return Epoch(
        number=meter.epoch,
        epochs=epochs,
        loss=meter.loss / meter.examples,
        score=metrics[metric],
        metrics=metrics,
        seconds=meter.seconds,
    )
