from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import flows.learning_curve as module
from components import encoders
from components.params import EncoderParams, LearningCurveParams, ProjectParams, TrainingParams
from components.params.data import TokenizationParams
from components.records import write_card, write_split
from components.schema import SPLITS, example_schema
from components.tasks import load_task, options_type, task_kinds
from components.tasks.base import Task
from components.tokenization import tokenize
from components.tokens import open_split
from components.training import fit


@pytest.fixture
def curve(
    tiny_encoder: Path,
    tiny_encoder_sha256: dict[str, str],
    params_tree: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Task, Path], str]:
    """Ask for the curve of a tiny project."""
    monkeypatch.chdir(tmp_path)
    short = params_tree["training"] | {"epochs": 1, "batch_size": 16, "learning_rate": 5e-3}

    def ask(task: Task, examples: Path) -> str:
        if not Path("tokens").exists():
            tokenize(
                task,
                TokenizationParams(max_length=32, max_truncated_share=1.0),
                tiny_encoder,
                encoders.digest(tiny_encoder_sha256),
                examples,
                Path("tokens"),
            )
        return module.learning_curve(
            ProjectParams(name="tiny", seed=7),
            task.options,
            EncoderParams.model_validate(
                params_tree["encoder"]
                | {"source": f"path:{tiny_encoder}", "sha256": tiny_encoder_sha256}
            ),
            TrainingParams.model_validate_json(json.dumps(short)),
            LearningCurveParams(
                shares=(0.25, 0.5, 1.0), seeds=2, more=30, resamples=200, confidence=0.95
            ),
            tokens=Path("tokens"),
            out=Path("reports/curve.html"),
        )

    return ask


@pytest.fixture
def again(
    curve: Callable[[Task, Path], str], task: Task, example_folder: Path
) -> Callable[[], str]:
    """Ask for the curve of a tiny project that tells texts apart."""
    return lambda: curve(task, example_folder)


@pytest.fixture
def repeated(tmp_path: Path) -> Callable[[Task], Path]:
    """Write the two samples of a task many times, with a copy of the first."""

    def write(task: Task) -> Path:
        folder = tmp_path / "examples"
        folder.mkdir()
        samples = [dict(sample) for sample in task.samples()]
        for sample in samples:
            if "context" in sample:  # read in windows, of which not all hold the answer
                sample["context"] += " " + "parcel order refund today " * 20
        for split, rows in zip(SPLITS, (33, 12, 2), strict=True):
            table = [
                {
                    "id": f"{split}{row}",
                    "group": f"{row // 2}",
                    "split": split,
                    "source_row": row,
                    **samples[row % 2],
                    "parent_id": "train0" if row == 32 else None,
                }
                for row in range(rows)
            ]
            schema = example_schema(task.columns, (), augmented=True)
            write_split(folder, split, pa.Table.from_pylist(table, schema=schema))
        write_card(folder)
        return folder

    return write


@pytest.mark.parametrize("kind", task_kinds())
def test_every_kind_of_task_has_a_curve(
    kind: str, curve: Callable[[Task, Path], str], repeated: Callable[[Task], Path]
) -> None:
    task = load_task(options_type(kind).example())
    said = curve(task, repeated(task))
    assert said in Path("reports/curve.html").read_text()
    points = json.loads(Path("reports/curve.json").read_bytes())["points"]
    assert [point["labels"] for point in points] == [8, 8, 16, 16, 32, 32]
    rows = len(open_split(Path("tokens"), "train"))
    assert [point["rows"] for point in points[-2:]] == [rows, rows]
    assert curve(task, Path("examples")) == said


def test_curve_is_trained_once_and_told_the_same_again(
    again: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[int, int]] = []

    def counted(*arguments: Any) -> Any:
        fitted = fit(*arguments)
        trained.append((arguments[1].epochs, len(fitted.history)))
        return fitted

    monkeypatch.setattr(module, "fit", counted)
    said = again()
    assert len(trained) == 6
    # A quarter of the labels, four times as many epochs: as many steps for each.
    assert sorted({epochs for epochs, _ in trained}) == [1, 2, 4]
    page, json_ = Path("reports/curve.html").read_bytes(), Path("reports/curve.json").read_bytes()
    assert said in page.decode()
    points = json.loads(json_)["points"]
    assert [p["labels"] for p in points] == [15, 15, 30, 30, 60, 60]
    # Nothing but the points stays: neither tokens nor checkpoints.
    assert sorted(len(p.name) for p in Path(".state/curves").iterdir()) == [16] * 6
    assert not any(Path(".state/checkpoints").glob("*"))
    assert again() == said
    assert len(trained) == 6
    assert Path("reports/curve.html").read_bytes() == page


def test_curve_goes_on_where_it_was_cut_short(
    again: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    resumed: list[int] = []

    def cut(*arguments: Any) -> Any:
        if len(done) == 2 and not resumed:
            raise KeyboardInterrupt
        done.append(1)
        return fit(*arguments)

    monkeypatch.setattr(module, "fit", cut)
    with pytest.raises(KeyboardInterrupt):
        again()
    assert len(list(Path(".state/curves").iterdir())) == 2
    resumed.append(1)
    again()
    assert len(done) == 6
