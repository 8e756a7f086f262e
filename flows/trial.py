"""In: a trial's values. Out: its score; all that a trial's own process imports of the flows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.files import read_json
from components.params import TrainingParams
from components.search import DeviceUse, Report
from components.tasks import load_task
from components.tasks.base import TaskOptions
from components.training import Checkpoints, Epoch, Step, Watch, fit
from components.training.answers import tallies
from components.training.process import device_use, take_seat


@dataclass(frozen=True)
class Training:
    """What a trial does: fit, telling its score after every epoch.

    Attributes:
        task: its options.
        encoder: folder with config.json and safetensors.
        digest: of the encoder's files.
        tokens: folder that tokenize wrote.
        originals: the same without altered copies of training rows; None: nobody trains on it.
    """

    task: TaskOptions
    encoder: Path
    digest: str
    tokens: Path
    originals: Path | None = None

    def __call__(self, training: TrainingParams, seed: int, report: Report, /) -> float:
        """Train, and return the best epoch's score."""
        if report.seat:
            take_seat(report.seat.worker, report.seat.workers)

        def on_step(step: Step) -> None:
            report.curve("loss", step.number, step.loss)
            report.curve("learning_rate", step.number, step.learning_rate)
            report.show(step)

        def on_epoch(epoch: Epoch) -> None:
            report.curve("epoch_loss", epoch.number, epoch.loss)
            report(epoch.number, epoch.score)

        folder, minutes = report.checkpoints, training.checkpoint_minutes
        kept = Checkpoints(folder, minutes, self.digest) if folder else None
        task = load_task(self.task)
        watch = Watch(on_step=on_step, on_epoch=on_epoch)
        alone = self.originals if report.copies is False else None
        tokens = alone or self.tokens
        try:
            fitted = fit(task, training, self.encoder, tokens, seed, watch, kept)
            if report.copies is not None:
                report.judged(tallies(fitted.model, task, tokens))
            return fitted.score
        finally:
            if use := device_use():
                report.device(DeviceUse(*use))


def preload(encoder: Path) -> tuple[str, ...]:
    """Return the modules that a trial with this encoder imports, for the fork server."""
    kind = str(read_json(encoder / "config.json").get("model_type", "")).replace("-", "_")
    own = (f"transformers.models.{kind}.modeling_{kind}",) if kind else ()
    return ("components.training.preload", *own, "flows.trial")
