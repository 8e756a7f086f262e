"""In: a verdict on altered copies. Out: the line that the benchmark prints of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.augmentation_ablation import HEADS, cells, main
from components.files import write_json
from tests.components.search import found


def test_a_line_has_what_the_heads_say() -> None:
    told = found.ablation().as_json("macro_f1") | {"seconds": 32.0}
    line = dict(zip(HEADS, cells("toy", told), strict=True))
    assert line == {
        "data set": "toy",
        "metric": "macro F1",
        "rows": "100",
        "copies": "11",
        "seeds": "2",
        "with": "0.8450",
        "without": "0.8400",
        "points": "+0.50",
        "interval": "\N{MINUS SIGN}0.5 to +1.5",
        "verdict": "off",
        "time": "32.0 s",
    }


def test_each_project_has_a_line_asked_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = found.ablation().as_json("macro_f1") | {"seconds": 32.0}
    for name in ("asked", "unasked"):
        (tmp_path / name / "search").mkdir(parents=True)
        (tmp_path / name / "params.yaml").write_text(f"project: {{name: {name}}}\n")
    write_json(tmp_path / "asked" / "search" / "ablation.json", told)
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path / "asked"), str(tmp_path / "unasked")])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| asked | macro F1 |")
    assert lines[3] == "| unasked | not asked |"
