"""In: the same rows for all. Out: the seconds that each way of training takes for them."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader

from benchmarks.training_data import Data
from components.training.batches import Rows, length_batches
from components.training.device import accelerated, repeatable
from components.training.model import silent
from components.training.optimizer import set_rate
from components.training.run import start

MAX_LENGTH: Final = 128
# Shapes of products of a small encoder's batch, and one that any processor does well.
SHAPES: Final = ((512, 384, 1536), (512, 1536, 384), (1024, 1024, 1024))
GPU_SHAPES: Final = ((8192, 8192, 8192), (4096, 3072, 768), (16384, 4096, 4096))
PEAK_SECONDS: Final = 0.25
# Steps of a shape before its graph stands: two that may compile, and one that records.
WARM_UP: Final = 3
Clock = Callable[[], float]
Way = Callable[[Data, Rows, Clock], float]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide what transformers says about fresh heads and samplers."""
    with silent(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def on_gpu() -> bool:
    """Tell whether a GPU is there; then all competitors train on it in bf16."""
    return torch.cuda.is_available()


def use_threads(count: int | None) -> int:
    """Set the threads of torch, unless None, and return how many there are."""
    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def machine() -> str:
    """Name the device that trains."""
    if on_gpu():
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
        if found:
            return f"{found[1]}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"


def wait() -> None:
    """Wait until the device has done what it was given."""
    if on_gpu():
        torch.cuda.synchronize()


def peak(clock: Clock) -> float:
    """Return the most matrix FLOP/s that this device sustains now: fp32, or bf16 on a GPU."""
    best = 0.0
    device, kind = ("cuda", torch.bfloat16) if on_gpu() else ("cpu", torch.float32)
    for rows, inner, columns in GPU_SHAPES if on_gpu() else SHAPES:
        left = torch.randn(rows, inner, device=device, dtype=kind)
        right = torch.randn(inner, columns, device=device, dtype=kind)
        for _ in range(3):
            left @ right
        wait()
        began, done = clock(), 0
        while clock() - began < PEAK_SECONDS:
            for _ in range(10):
                left @ right
            wait()
            done += 10
        best = max(best, 2 * rows * inner * columns * done / (clock() - began))
    return best


def ours(data: Data, rows: Rows, clock: Clock) -> float:
    """Train with the project's own steps; loading the model is not counted, as for the others.

    Neither are, on a GPU, the first steps of each shape, by which its CUDA graph is recorded: a
    training has them once, and then thousands of steps.
    """
    params = data.params.training.model_copy(update={"precision": "auto"})
    lengths = data.train.lengths[rows]
    batches = [rows[b] for b in length_batches(lengths, params.batch_size, _draw())]
    with repeatable(0), accelerated(params.precision) as accelerator:
        run = start(data.task, params, data.encoder, data.tokens, accelerator)
        for batch in batches * WARM_UP if on_gpu() else ():
            run.step(batch, params.accumulation)
        wait()
        began = clock()
        for number, batch in enumerate(batches):
            set_rate(run.optimizer, params, number, len(batches))
            done = run.step(batch, params.accumulation)
        float(done.loss)
        wait()
        return clock() - began


def padded_loop(data: Data, rows: Rows, clock: Clock) -> float:
    """Train as tutorials do: every text padded to the same length, and a plain loop."""
    model = _model(data).train()
    params = data.params.training
    optimizer = torch.optim.AdamW(model.parameters(), lr=params.learning_rate)
    tokenizer = _tokenizer(data.encoder)

    def collate(examples: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - transformers has no types
        return tokenizer.pad(
            examples, padding="max_length", max_length=MAX_LENGTH, return_tensors="pt"
        )

    loader: DataLoader[Any] = DataLoader(
        _examples(data, rows),  # type: ignore[arg-type]
        batch_size=params.batch_size,
        shuffle=True,
        collate_fn=collate,
    )
    device = "cuda" if on_gpu() else "cpu"
    wait()
    began = clock()
    for batch in loader:
        with torch.autocast(device, torch.bfloat16, enabled=on_gpu()):
            loss = model(**{name: values.to(device) for name, values in batch.items()}).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    wait()
    return clock() - began


@dataclass(frozen=True)
class Trained:
    """What `Trainer` did.

    Attributes:
        seconds: from its first step to its last.
        accuracy: on validation, after the last epoch.
    """

    seconds: float
    accuracy: float


def trainer(data: Data, rows: Rows, clock: Clock) -> float:
    """Train by `Trainer` with dynamic padding."""
    return by_trainer(data, rows, clock, "random").seconds


def trainer_grouped(data: Data, rows: Rows, clock: Clock) -> float:
    """Train by `Trainer` with dynamic padding, its batches grouped by length."""
    return by_trainer(data, rows, clock, "group_by_length").seconds


class _Stopwatch(transformers.TrainerCallback):  # type: ignore[misc]
    """Times a training from its first step to its last, set-up left out."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.began, self.seconds = clock, 0.0, 0.0

    def on_train_begin(self, *_: object, **__: object) -> None:
        """Start."""
        wait()
        self.began = self.clock()

    def on_train_end(self, *_: object, **__: object) -> None:
        """Stop."""
        wait()
        self.seconds = self.clock() - self.began


def by_trainer(data: Data, rows: Rows, clock: Clock, sampling: str, epochs: int = 1) -> Trained:
    """Train by transformers' Trainer, with the options that our training section has as well."""
    params, watch = data.params.training, _Stopwatch(clock)
    steps = epochs * -(-len(rows) // params.batch_size)
    out = data.tokens.parent / "trainer"
    options = transformers.TrainingArguments(
        output_dir=str(out),
        num_train_epochs=epochs,
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        weight_decay=params.weight_decay,
        warmup_steps=int(params.warmup_share * steps),
        lr_scheduler_type=params.decay,
        max_grad_norm=params.max_grad_norm,
        train_sampling_strategy=sampling,
        bf16=on_gpu(),
        use_cpu=not on_gpu(),
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        seed=int(_draw().integers(2**31)),
    )
    with quiet():
        training = transformers.Trainer(
            model=_model(data),
            args=options,
            train_dataset=_examples(data, rows),
            data_collator=transformers.DataCollatorWithPadding(_tokenizer(data.encoder)),
            callbacks=[watch],
        )
        training.remove_callback(transformers.PrinterCallback)
        training.train()
        held_out = data.validation
        found = np.zeros(0)
        if epochs > 1:
            examples = _examples(data, np.arange(len(held_out)), held_out)
            found = training.predict(examples).predictions.argmax(axis=1)
    accuracy = float((found == held_out.targets).mean()) if epochs > 1 else 0.0
    return Trained(watch.seconds, accuracy)


WAYS: Final[dict[str, Way]] = {
    "ours": ours,
    "padded_loop": padded_loop,
    "trainer": trainer,
    "trainer_grouped": trainer_grouped,
}


def _model(data: Data) -> Any:  # noqa: ANN401 - transformers has no types
    head = getattr(transformers, data.task.head)
    with quiet():
        model = head.from_pretrained(
            data.encoder, num_labels=len(data.task.labels), dtype="float32", local_files_only=True
        )
    model.config.problem_type = "single_label_classification"
    return model.to("cuda" if on_gpu() else "cpu")


def _tokenizer(encoder: Path) -> Any:  # noqa: ANN401 - transformers has no types
    with quiet():
        return transformers.AutoTokenizer.from_pretrained(encoder, local_files_only=True)


def _examples(data: Data, rows: Rows, split: Any = None) -> list[dict[str, Any]]:  # noqa: ANN401
    tokens = split or data.train
    return [
        {"input_ids": tokens.row(row).tolist(), "labels": int(tokens.targets[row])} for row in rows
    ]


def _draw() -> np.random.Generator:
    """Return a generator that differs from call to call; which batches come is all it decides."""
    return np.random.default_rng(time.perf_counter_ns())
