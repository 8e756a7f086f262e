"""In: tokens, an encoder and the training section. Out: the model of the best epoch."""

from __future__ import annotations

from pathlib import Path

from components.params import TrainingParams
from components.seeding import derive
from components.tasks.base import Task
from components.training.checkpoint import Checkpoints, training_key
from components.training.device import accelerated, repeatable
from components.training.fitted import Fitted
from components.training.interrupt import interruptible
from components.training.lean import plain
from components.training.loop import Loop, TornError
from components.training.lora import merged
from components.training.memory import Memory
from components.training.run import start
from components.training.saver import Saver
from components.training.watch import Watch

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
    threads, however often the training was killed and gone on with in between. When memory runs
    out, a step is computed in more micro-batches: equal but for rounding.

    Args:
        task: names the head, the collation and the metric.
        params: the training section, the search's winner laid over it.
        encoder: folder with config.json and safetensors.
        tokens: folder that tokenize wrote.
        seed: all draws derive from it.
        watch: told of steps and epochs; what it raises ends the training.
        checkpoints: where it is saved and gone on from; with it, SIGTERM and SIGINT end the
            running step, save, and raise Interrupted. None: nothing is saved.

    Raises:
        DataError: the tokens are absent or broken, or a split has no row or no label.
        EncoderError: the encoder cannot be read.
        DivergenceError: a loss, a gradient, a weight or a metric is NaN or infinite; of losses and
            gradients, it is noticed within 10 steps.
        CapacityError: the memory does not hold a step with micro-batches of one example.
        Interrupted: a signal came, and the place is saved.
    """
    memory = Memory(params, watch.on_note)
    with interruptible(wanted=checkpoints is not None) as asked:
        while True:
            with repeatable(derive(seed, "training")), accelerated(params.precision) as accelerator:
                run = start(task, params, encoder, tokens, accelerator)
                saver = None
                if checkpoints:
                    key = training_key(task, params, checkpoints.encoder, tokens, seed)
                    key = f"{key}-{accelerator.device.type}"
                    saver = Saver(checkpoints, key, watch.on_note)
                loop = Loop(run, seed, watch, memory, asked, saver)
                try:
                    loop.train()
                except TornError:
                    watch.on_note("memory ran out amid an update; what was saved last is the start")
                    continue
                return _fitted(loop)


def _fitted(loop: Loop) -> Fitted:
    """Put the best weights back, and say how they came about."""
    run, best, history = loop.run, loop.best, tuple(loop.place.history)
    model = plain(run.plain.to("cpu").eval())
    best.restore(model)
    return Fitted(
        model=merged(model),
        score=best.score,
        best_epoch=best.epoch,
        history=history,
        params=run.params,
        seed=loop.seed,
        device=run.accelerator.device.type,
        examples_per_second=len(run.train.tokens)
        * len(history)
        / sum(epoch.seconds for epoch in history),
        accumulation=loop.memory.accumulation,
    )
