from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from components.errors import IntegrityError, TouchstoneError
from components.params import SearchParams
from components.search.study import JOURNAL, StudyPlace, open_study

Section = Callable[..., SearchParams]


def test_running_trials_of_a_dead_process_are_failed(section: Section, place: StudyPlace) -> None:
    with open_study(place, section()) as study:
        study.ask()
    with open_study(place, section()) as study:
        assert [trial.state.name for trial in study.get_trials()] == ["FAIL"]


def test_study_is_held_by_one_process_at_a_time(section: Section, place: StudyPlace) -> None:
    with (
        open_study(place, section()),
        pytest.raises(TouchstoneError, match="one search at a time"),
        open_study(place, section()),
    ):
        pytest.fail("both hold it")
    with open_study(place, section()) as study:
        assert study.study_name == "toy"


def test_half_a_line_and_a_stale_lock_of_a_killed_process_are_dropped(
    section: Section, place: StudyPlace
) -> None:
    with open_study(place, section()) as study:
        study.tell(study.ask(), 0.5)
    journal = place.folder / "toy" / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"wor')
    journal.with_name(f"{JOURNAL}.lock").touch()
    with open_study(place, section()) as study:
        study.tell(study.ask(), 0.7)
        assert [trial.value for trial in study.get_trials()] == [0.5, 0.7]
    assert journal.read_bytes().startswith(whole)


@pytest.mark.parametrize("garbage", [b"\x00\x01 no journal\n", b'{"op_code": 0}\n', b"[1, 2]\n"])
def test_corrupt_journal_is_refused_with_the_cure(
    section: Section, place: StudyPlace, garbage: bytes
) -> None:
    folder = place.folder / "toy"
    folder.mkdir(parents=True)
    (folder / JOURNAL).write_bytes(garbage * 3)
    with (
        pytest.raises(IntegrityError, match="no study that can be read") as caught,
        open_study(place, section()),
    ):
        pytest.fail("opened")
    assert "delete" in caught.value.cure


def test_deleted_study_starts_anew(section: Section, place: StudyPlace) -> None:
    with open_study(place, section()) as study:
        study.tell(study.ask(), 0.5)
    shutil.rmtree(place.folder)
    with open_study(place, section()) as study:
        assert study.get_trials() == []
