"""In: trainings that never ran. Out: what a person sees of them on a terminal and in a pipe."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from components.training import Epoch, Step
from flows import progress
from flows.progress import Bars, Board, Lines, clock, speed, trainings

STEP = Step(10, 100, 1, 0.5, 1e-4, 1.0, 50.0, 1234.0, 75.0)
# What moves the cursor, colours and hides.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def clock_hand(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(progress, "time", Time)
    return now


def test_pipe_gets_one_line_in_ten_seconds_however_many_steps(
    clock_hand: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(Lines("train"))
    for number in range(1, 101):
        clock_hand[0] += 0.25
        for name in ("trial 1", "trial 2"):
            board.step(name, dataclasses.replace(STEP, number=number))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == (
        "train: trial 1  step 40/100  epoch 1  loss 0.500  1,234 tokens/s  1:15 left"
    )


def test_pipe_gets_a_line_for_each_epoch_and_end_at_once(
    clock_hand: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(Lines("search"))
    board.overall("trials", 3, 40, "best 0.8712 (trial 2)")
    board.epoch("trial 3", 1, 0.8)
    board.end("trial 3", "pruned: 0.8000 after epoch 1 is below 0.8500, the median")
    assert capsys.readouterr().err.splitlines() == [
        "search: trial 3  epoch 1  score 0.8000  (trials 3/40, best 0.8712 (trial 2))",
        "search: trial 3  pruned: 0.8000 after epoch 1 is below 0.8500, the median  "
        "(trials 3/40, best 0.8712 (trial 2))",
    ]


def test_score_of_the_last_epoch_stands_beside_the_steps_after_it(
    clock_hand: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(Lines("train"))
    watch = board.watch()
    watch.on_epoch(Epoch(1, 3, 0.7, 0.8125, {}, 2.0))
    clock_hand[0] += 10
    watch.on_step(STEP)
    watch.on_note("goes on from step 4")
    assert capsys.readouterr().err.splitlines() == [
        "train: epoch 1  loss 0.700  score 0.8125",
        "train: step 10/100  epoch 1  loss 0.500  score 0.8125  1,234 tokens/s  1:15 left",
        "train: goes on from step 4",
    ]


def test_terminal_shows_a_row_for_the_whole_and_one_for_each_training_that_runs() -> None:
    shown = screen("search", 80)
    board = shown.board
    board.overall("trials", 7, 40, "best 0.8712 (trial 5)")
    board.epoch("trial 12", 1, 0.8611)
    board.step("trial 12", STEP)
    board.step("trial 13", dataclasses.replace(STEP, number=3, seconds_left=4000))
    rows = shown.rows()
    assert [row.split()[0] for row in rows] == ["trials", "trial", "trial"]
    assert "7/40" in rows[0]
    assert "best 0.8712 (trial 5)" in rows[0]
    assert "10/100" in rows[1]
    assert re.search("1:15 +loss 0.500  score 0.8611  1,234 tokens/s", rows[1])
    assert "1:06:40 loss 0.500  1,234 tokens/s" in rows[2]
    board.end("trial 12", "complete: 0.8611")
    assert ["trial 12" in row for row in shown.rows()] == [False, False]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_rows_never_break_however_narrow_the_terminal(width: int) -> None:
    shown = screen("search", width)
    shown.board.epoch("finalist 13, seed 2", 1, 0.8611)
    shown.board.step("finalist 13, seed 2", dataclasses.replace(STEP, tokens_per_second=123456.0))
    assert len(shown.rows()) == 1


def test_words_in_a_line_are_never_taken_for_markup() -> None:
    shown = screen("search", 80)
    shown.board.line("killed [bold]by[/] SIGKILL")
    assert "search: killed [bold]by[/] SIGKILL" in CONTROL.sub("", shown.file.getvalue())


def test_what_is_no_terminal_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with trainings("train") as board:
        board.line("hello")
    assert capsys.readouterr().err == "train: hello\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (75.4, "1:15"), (3599.6, "1:00:00"), (4000, "1:06:40")]
)
def test_time_left_reads_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("tokens", "text"), [(0.4, "0 tokens/s"), (1234, "1,234 tokens/s"), (51234, "51.2k tokens/s")]
)
def test_speed_has_few_digits(tokens: float, text: str) -> None:
    assert speed(tokens) == text


@dataclasses.dataclass
class Screen:
    file: io.StringIO
    board: Board
    console: Console
    bars: object

    def rows(self) -> list[str]:
        with self.console.capture() as capture:
            self.console.print(self.bars)
        return [CONTROL.sub("", line).rstrip() for line in capture.get().splitlines()]


def screen(title: str, width: int) -> Screen:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None)
    bars = progress.rows(console)
    return Screen(file, Board(Bars(bars, title)), console, bars)
