"""In: a folder and a name. Out: the study that persists there, held by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.errors import IntegrityError, TouchstoneError
from components.params import SearchParams

if TYPE_CHECKING:
    from optuna.study import Study

JOURNAL: Final = "journal.log"


@dataclass(frozen=True)
class StudyPlace:
    """Where a study persists.

    Attributes:
        folder: of all studies, outside every stage's outputs.
        name: made by the caller from what makes scores comparable (data, encoder, tokens, the
            search and training sections without the number of trials and the minutes), so that
            other data start another study and more trials go on with the same one.
    """

    folder: Path
    name: str


@contextlib.contextmanager
def open_study(place: StudyPlace, params: SearchParams) -> Iterator[Study]:
    """Open the study, made anew when it is absent, and end what killed processes left running.

    The journal has no heartbeat: since only one process holds the study, whatever runs in it at
    this moment was killed.

    Raises:
        TouchstoneError: another process holds the study.
        IntegrityError: the journal cannot be read.
    """
    folder = place.folder / place.name
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        study = _read(folder, place.name, params)
        _sweep(study)
        yield study


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock that the kernel gives back when the process dies."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TouchstoneError(
                f"{folder}: one search at a time, found another process at this study",
                "wait until it is done, or end it",
            ) from error
        yield


def _read(folder: Path, name: str, params: SearchParams) -> Study:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = folder / JOURNAL
    # A process that was killed while it wrote leaves Optuna's own lock and half a line behind.
    (folder / f"{JOURNAL}.lock").unlink(missing_ok=True)
    drop_half_line(journal)
    try:
        backend = JournalFileBackend(str(journal), JournalFileOpenLock(str(journal)))
        study = optuna.create_study(
            storage=JournalStorage(backend),
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=params.pruner.startup_trials,
                n_warmup_steps=params.pruner.warmup_epochs,
            ),
        )
        study.get_trials(deepcopy=False)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise IntegrityError(
            f"{journal} is no study that can be read: {error!r}",
            f"delete {folder}; the search then starts anew",
        ) from error
    return study


def drop_half_line(journal: Path) -> None:
    """Cut off what a process that was killed while it wrote left after the last whole line."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with journal.open("r+b") as file:
            file.truncate(whole)


def _sweep(study: Study) -> None:
    """Fail what was killed, for otherwise it would repel the sampler for ever."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
