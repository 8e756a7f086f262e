"""In: texts with times, and a model. Out: what they talk about over time, and what surges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from components.errors import DataError, ParamsError, TouchstoneError
from components.inference import load_predictor
from components.inference.predictor import Predictor
from components.ingestion.readers import read_records
from components.monitoring import Said, surges, tally, write_page
from components.params import EvaluationParams, ProjectParams, TopicsParams
from components.registry import champion, fetch, open_registry
from flows.stage import STATE, WAIT_SECONDS

# Batches of texts that are in memory at once, so that those of like length share one.
READ_AT_ONCE: Final = 64


def topics(
    project: ProjectParams,
    evaluation: EvaluationParams,
    topics: TopicsParams,
    texts: Path,
    bundle: Path | None = None,
    out: Path = Path("reports/topics.html"),
) -> str:
    """Answer texts, count answers by topic and time, and tell where alarming ones surge.

    Reads a file with the columns that the topics section names. The champion answers, or the bundle
    in a folder, such as models/int8.
    """
    predictor = load_predictor(bundle or _champions(project.name))
    _check(predictor, topics)
    stream = answered(predictor, topics, texts, evaluation.batch_size)
    found = tally(stream, topics)
    return write_page(found, surges(found, topics), topics, project.name, out)


def answered(
    predictor: Predictor, params: TopicsParams, path: Path, batch_size: int
) -> Iterator[Said]:
    """Yield every text with its time and the model's answer, in the file's order.

    Raises:
        DataError: the file is absent or malformed, or a time is none; names the record.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing", "give a file of texts with their times")
    records = enumerate(read_records(path, list(dict.fromkeys((params.text, params.time)))), 1)
    while batch := list(islice(records, READ_AT_ONCE * batch_size)):
        times = [time_of(record[params.time], path, row, params.time) for row, record in batch]
        texts = [record[params.text] or "" for _, record in batch]
        answers = predictor.predict([{"text": text} for text in texts], batch_size)
        for time, text, answer in zip(times, texts, answers, strict=True):
            yield Said(time, text, answer.label)


def time_of(written: str | None, path: Path, row: int, column: str) -> datetime:
    """Return a time that is written in ISO 8601.

    Raises:
        DataError: it is missing or none; names file, record and column.
    """
    try:
        return datetime.fromisoformat(written or "")
    except ValueError as error:
        raise DataError(
            f"{path}, record {row}: column {column!r} holds no time: {written!r}",
            "write ISO 8601, such as 2026-03-01T12:30:00+01:00",
        ) from error


def _champions(name: str) -> Path:
    books = open_registry(STATE, WAIT_SECONDS)
    now = champion(books, name)
    if now is None:
        raise TouchstoneError(
            f"{name} has no champion", "promote one, or name a folder: --bundle models/int8"
        )
    return fetch(books, name, now.version)


def _check(predictor: Predictor, params: TopicsParams) -> None:
    task = predictor.bundle.task
    if task.inputs != ("text",):
        raise ParamsError(
            f"task: {task.options.kind} is asked about {', '.join(task.inputs)}, not about a text",
            "count topics with a task that answers single texts",
        )
    for label in params.alarming:
        if label not in task.labels:
            raise ParamsError(
                f"topics.alarming: the model has no label {label!r}",
                f"name some of: {', '.join(task.labels)}",
            )
