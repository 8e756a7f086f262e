"""In: a folder and a name. Out: the study that persists there, held by one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.errors import IntegrityError
from components.search.book import Book
from components.search.database import database_storage, patience
from components.search.lease import folder_lease

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL: Final = "journal.log"

Check = Callable[[], None]
Patiently = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True)
class StudyPlace:
    """Where a study persists.

    Attributes:
        folder: of all studies, outside every stage's outputs.
        name: made by the caller from what makes scores comparable (data, encoder, tokens, the
            search and training sections without the number of trials and the minutes), so that
            other data start another study and more trials go on with the same one.
        family: names all studies of the same project and task; empty: it is of none.
        checkpoints: the folder of all trainings' checkpoints; None: none are kept.
        database: a PostgreSQL's address, for a study that lies there; None: it lies in the folder.
        patience: seconds for which the database may be away.
    """

    folder: Path
    name: str
    family: str = ""
    checkpoints: Path | None = None
    database: str | None = None
    patience: float = 0.0

    @property
    def own(self) -> Path:
        """The study's own folder."""
        return self.folder / self.name

    def checkpoints_of(self, number: int, round_: int) -> Path | None:
        """Return the folder of one training's checkpoints."""
        if self.checkpoints is None:
            return None
        return self.checkpoints / self.name / (f"{number}-{round_}" if round_ else str(number))


@contextlib.contextmanager
def open_study(place: StudyPlace) -> Iterator[Book]:
    """Open the study, made anew when it is absent.

    Since only one process holds the study, whatever runs in it at this moment was interrupted,
    and is to go on.

    Raises:
        TouchstoneError: another process holds the study.
        IntegrityError: the journal cannot be read.
        Away: the database did not answer in time.
    """
    place.own.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if place.database:
            patiently = patience(place.database, place.patience)
            held = database_storage(place.database, place.name, patiently)
            book = _in_database(*stack.enter_context(held), place.name, patiently)
        else:
            check = stack.enter_context(folder_lease(place.own))
            book = _read(place, check)
        book.sweep()
        yield book


def _in_database(storage: BaseStorage, check: Check, name: str, patiently: Patiently) -> Book:
    """Return the book of a study in a database."""
    return Book(storage, patiently(lambda: _create(storage, name)), check, patiently)


def _create(storage: BaseStorage, name: str) -> int:
    """Make the study where it is absent, and return its id."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    return int(storage.get_study_id_from_name(name))


def _read(place: StudyPlace, check: Check) -> Book:
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    journal = place.own / JOURNAL
    # A process that was killed while it wrote leaves Optuna's own lock and half a line behind.
    (place.own / f"{JOURNAL}.lock").unlink(missing_ok=True)
    drop_half_line(journal)
    try:
        backend = JournalFileBackend(str(journal), JournalFileOpenLock(str(journal)))
        storage = JournalStorage(backend)
        study_id = _create(storage, place.name)
        storage.get_all_trials(study_id, deepcopy=False)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise IntegrityError(
            f"{journal} is no study that can be read: {error!r}",
            f"delete {place.own}; the search then starts anew",
        ) from error
    return Book(storage, study_id, check)


def drop_half_line(journal: Path) -> None:
    """Cut off what a process that was killed while it wrote left after the last whole line."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with journal.open("r+b") as file:
            file.truncate(whole)
