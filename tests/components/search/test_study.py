from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from components.errors import IntegrityError, TouchstoneError
from components.search.book import Book
from components.search.lease import TOKEN
from components.search.study import JOURNAL, StudyPlace, open_study

VALUES: Mapping[str, Any] = {"dropout": 0.1}


def numbers(book: Book) -> list[tuple[int, str]]:
    return [(int(t.user_attrs["number"]), t.state.name) for t in book.trials()]


def test_what_ran_in_a_dead_process_still_runs_for_the_next(place: StudyPlace) -> None:
    with open_study(place) as book:
        book.ask(0, VALUES, {}, {})
        book.report(0, 1, 0.5)
    with open_study(place) as book:
        assert numbers(book) == [(0, "RUNNING")]
        assert book.trials()[0].intermediate_values == {1: 0.5}


def test_trial_that_was_never_wholly_written_does_not_count(place: StudyPlace) -> None:
    with open_study(place) as book:
        book.storage.create_new_trial(book.study_id)
    with open_study(place) as book:
        assert book.trials() == []
        left = book.storage.get_all_trials(book.study_id)
        assert [trial.state.name for trial in left] == ["FAIL"], "it would repel the sampler"


def test_every_write_counts_once_however_often_it_is_made(place: StudyPlace) -> None:
    with open_study(place) as book:
        for score in (0.5, 0.7):
            book.ask(0, VALUES, {}, {"attempts": 1})
            book.report(0, 1, score)
            book.note(0, {"attempts": 2})
        for score in (0.9, 0.1):
            book.end(0, "complete", score)
        book.report(0, 2, 0.1)
        book.note(0, {"attempts": 3})
        (trial,) = book.trials()
    assert trial.intermediate_values == {1: 0.5}
    assert (trial.value, trial.user_attrs["attempts"]) == (0.9, 2)


def test_pruned_trial_keeps_the_score_that_it_told_last(place: StudyPlace) -> None:
    with open_study(place) as book:
        book.ask(0, VALUES, {}, {})
        book.report(0, 1, 0.5)
        book.report(0, 2, 0.4)
        book.end(0, "pruned", None)
        assert book.trials()[0].value == 0.4


def test_study_is_held_by_one_process_at_a_time(place: StudyPlace) -> None:
    with (
        open_study(place),
        pytest.raises(TouchstoneError, match="one search at a time"),
        open_study(place),
    ):
        pytest.fail("both hold it")
    with open_study(place) as book:
        assert book.trials() == []


def test_holder_that_was_taken_for_dead_writes_nothing(place: StudyPlace) -> None:
    """Its folder is deleted and made anew, as a person does who wants to start again."""
    with open_study(place) as stale:
        stale.ask(0, VALUES, {}, {})
        shutil.rmtree(place.own)
        with open_study(place) as book:
            before = (place.own / JOURNAL).read_bytes()
            writes = (
                lambda: stale.ask(1, VALUES, {}, {}),
                lambda: stale.report(0, 1, 0.5),
                lambda: stale.end(0, "complete", 0.5),
                lambda: stale.write_attribute("priors", "[]"),
            )
            for write in writes:
                with pytest.raises(TouchstoneError, match="taken the study over"):
                    write()
            assert (place.own / JOURNAL).read_bytes() == before
            book.ask(0, VALUES, {}, {})


def test_token_grows_with_every_holder(place: StudyPlace) -> None:
    for expected in ("1", "2", "3"):
        with open_study(place):
            assert (place.own / TOKEN).read_text().split()[0] == expected


def test_half_a_line_and_a_stale_lock_of_a_killed_process_are_dropped(place: StudyPlace) -> None:
    with open_study(place) as book:
        book.ask(0, VALUES, {}, {})
        book.end(0, "complete", 0.5)
    journal = place.own / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"wor')
    journal.with_name(f"{JOURNAL}.lock").touch()
    with open_study(place) as book:
        book.ask(1, VALUES, {}, {})
        book.end(1, "complete", 0.7)
        assert [trial.value for trial in book.trials()] == [0.5, 0.7]
    assert journal.read_bytes().startswith(whole)


@pytest.mark.parametrize("garbage", [b"\x00\x01 no journal\n", b'{"op_code": 0}\n', b"[1, 2]\n"])
def test_corrupt_journal_is_refused_with_the_cure(place: StudyPlace, garbage: bytes) -> None:
    place.own.mkdir(parents=True)
    (place.own / JOURNAL).write_bytes(garbage * 3)
    with (
        pytest.raises(IntegrityError, match="no study that can be read") as caught,
        open_study(place),
    ):
        pytest.fail("opened")
    assert "delete" in caught.value.cure


def test_deleted_study_starts_anew(place: StudyPlace) -> None:
    with open_study(place) as book:
        book.ask(0, VALUES, {}, {})
    shutil.rmtree(place.folder)
    with open_study(place) as book:
        assert book.trials() == []
