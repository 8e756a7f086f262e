"""In: a batch. Out: one optimizer step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.anchors import anchored
from components.errors import DataError
from components.params import TrainingParams
from components.tasks.base import IGNORED, Task
from components.tokens import open_anchors, open_split, read_token_card
from components.training.adalora import Ranks
from components.training.adapters import adapt
from components.training.adversarial import Adversary
from components.training.averaging import Average
from components.training.batches import (
    Rows,
    length_batches,
    micro_batches,
    token_batches,
    token_bounds,
)
from components.training.distil import SoftTargets, open_soft
from components.training.feed import MASK, Feed
from components.training.freezing import freeze
from components.training.lean import lean
from components.training.loss import summed_loss
from components.training.matching import matched_loss
from components.training.meter import Done
from components.training.model import COMPILED_MULTIPLE, compiles, load_model, shape
from components.training.optimizer import adamw, update
from components.training.parallel import (
    keep_buffers,
    part_ways,
    refuse_shards,
    share,
    synchronised,
    total,
)
from components.training.replay import Replays
from components.training.weighting import class_weights

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


@dataclass(frozen=True)
class Run:
    """What one training works with."""

    params: TrainingParams
    accelerator: Accelerator
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    train: Feed
    validation: Feed
    average: Average
    ranks: Ranks
    adversary: Adversary
    label_weights: torch.Tensor | None
    soft: SoftTargets | None = None
    replays: Replays | None = None

    @property
    def plain(self) -> torch.nn.Module:
        """The model as it was before accelerate wrapped it."""
        model: torch.nn.Module = self.accelerator.unwrap_model(self.model)
        return model

    def step(self, batch: Rows, accumulation: int) -> Done:
        """Take one optimizer step, its gradients computed in so many micro-batches."""
        if self.replays and accumulation == 1:
            inputs, targets = self.train.inputs(batch), self.train.targets(batch)
            share_of_one = 1 / max(1, self.train.weight(batch))
            loss, norm = self.replays.step(inputs, targets, share_of_one, self._whole).unbind()
        else:
            loss = self.backward(batch, accumulation)
            self.ranks.before_update()
            norm = update(self.model, self.optimizer, self.params.max_grad_norm)
            self.ranks.after_update()
        self.average.update()
        tokens = int(self.train.lengths[batch].sum())
        return Done(loss, norm, self.train.weight(batch), len(batch), tokens)

    def backward(self, batch: Rows, accumulation: int) -> torch.Tensor:
        """Add up the gradients of the batch's mean loss; return its summed loss, detached.

        The mean is over all targets of the batch that are learned from.
        """
        import torch

        accelerator, losses = self.accelerator, []
        own = share(batch, accelerator.process_index, accelerator.num_processes)
        # Gradients are averaged over processes, of which each must have some to give.
        factor = accelerator.num_processes / max(1, self.train.weight(batch)) if len(own) else 0.0
        parts = micro_batches(own if len(own) else batch[:1], accumulation)
        for number, rows in enumerate(parts, start=1):
            told: list[torch.Tensor] = []
            for final in self.adversary.passes():
                last = final and number == len(parts)
                with synchronised(accelerator, self.model, last=last):
                    loss = self._loss(rows, batch)
                    accelerator.backward(loss * factor)
                told.append(loss.detach() if len(own) else torch.zeros_like(loss))
            losses.append(told[0])
        return total(accelerator, torch.stack(losses).sum())

    def _loss(self, rows: Rows, batch: Rows) -> torch.Tensor:
        if matched := anchored(self.train.task):
            return matched_loss(self.model, self.train, matched.scale, rows, batch)
        inputs, targets = self.train.inputs(rows), self.train.targets(rows)
        logits, loss = self._learned(inputs, targets)
        return self.soft.mixed(loss, logits, rows) if self.soft else loss

    def _learned(
        self, inputs: Mapping[str, torch.Tensor], targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.model(**inputs).logits
        smoothing, weights = self.params.label_smoothing, self.label_weights
        kind, mask = self.train.task.loss, inputs.get(MASK)
        return logits, summed_loss(kind, logits, targets, smoothing, weights, mask)

    def _whole(
        self, inputs: Mapping[str, torch.Tensor], targets: torch.Tensor, share: torch.Tensor
    ) -> torch.Tensor:
        """Take a whole step as one graph can; return (2,) the summed loss and the norm."""
        import torch

        _, loss = self._learned(inputs, targets)
        self.accelerator.backward(loss * share)
        norm = update(self.model, self.optimizer, self.params.max_grad_norm)
        return torch.stack([loss.detach().float(), norm.float()])

    def torn(self, number: int) -> bool:
        """Tell whether a step that failed has altered weights, `number` steps having been done.

        The optimizer counts per weight; an update of some weights and not of others shows there.
        """
        return any(int(state["step"]) != number for state in self.optimizer.state.values())


def steps_of(params: TrainingParams, lengths: npt.NDArray[np.int64]) -> int:
    """Return the optimizer steps of all epochs, over rows of (rows,) so many tokens."""
    if params.batch_tokens:
        return params.epochs * (len(token_bounds(lengths, params.batch_tokens)) - 1)
    return params.epochs * -(-len(lengths) // params.batch_size)


def epoch_batches(
    params: TrainingParams, lengths: npt.NDArray[np.int64], generator: np.random.Generator
) -> list[Rows]:
    """Draw one epoch's batches, by rows or by tokens."""
    if params.batch_tokens:
        return token_batches(lengths, params.batch_tokens, generator)
    return length_batches(lengths, params.batch_size, generator)


def replays(
    task: Task, params: TrainingParams, soft: SoftTargets | None, accelerator: Accelerator
) -> bool:
    """Tell whether steps are replayed as CUDA graphs: where a step is one pass, on one GPU.

    Not where something beside weights and moments changes with each step, or is looked up by row.
    """
    special = params.adversarial or params.adapter == "adalora" or params.accumulation > 1
    one = accelerator.device.type == "cuda" and accelerator.num_processes == 1
    return one and not special and not anchored(task) and soft is None


def start(
    task: Task, params: TrainingParams, encoder: Path, tokens: Path, accelerator: Accelerator
) -> Run:
    """Open the tokens, load the model, and put both where they train.

    Raises:
        DataError: the tokens are absent or broken, or a split has no row or no label.
        EncoderError: the encoder cannot be read.
        ParamsError: it would be sharded over several devices.
    """
    refuse_shards(accelerator)
    card, device = read_token_card(tokens), accelerator.device
    soft = open_soft(tokens, device)
    replayed = replays(task, params, soft, accelerator)
    multiple = COMPILED_MULTIPLE if replayed or compiles(params, device) else 1
    train, validation = _feeds(task, tokens, card["pad_id"], device, multiple)
    model = load_model(task, encoder, params.dropout)
    adapt(model, params, steps_of(params, train.lengths), card["max_length"])
    freeze(model, params.frozen_layers, params.frozen_embeddings)
    model = lean(model, train)
    shape(model, params, device, replayed)
    rates = device if replayed else None
    model, optimizer = accelerator.prepare(model.train(), adamw(model, params, rates))
    keep_buffers(model)
    part_ways(accelerator)
    bare = accelerator.unwrap_model(model)
    return Run(
        params,
        accelerator,
        model,
        optimizer,
        train,
        validation,
        average=Average(bare, params.averaging),
        ranks=Ranks(bare),
        adversary=Adversary(bare.get_input_embeddings(), params.adversarial),
        label_weights=class_weights(train, params.class_weights),
        soft=soft,
        replays=Replays(device) if replayed else None,
    )


def _feeds(
    task: Task, tokens: Path, pad_id: int, device: torch.device, multiple: int
) -> list[Feed]:
    """Open the training and the validation split; each must have something to learn from."""
    anchors = open_anchors(tokens)
    if (anchors is None) == (anchored(task) is not None):
        raise DataError(f"{tokens}: the texts of the labels are not there", "run `dvc repro`")
    feeds = [
        Feed(task, open_split(tokens, split), pad_id, device, multiple, anchors)
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
    return feeds
