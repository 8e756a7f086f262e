"""In: a confusion matrix, or calibration bins. Out: PNG pictures that need no display."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from components.tasks.base import Array

INK: Final = "#1f2933"
FAINT: Final = "#c3cad3"
COLOURS: Final = ("#9aa5b1", "#e08e0b", "#0b69a3", "#6b4fa0")
DARK: Final = 0.5
MOST_NAMED: Final = 30


def draw_confusion(matrix: Array, labels: Sequence[str], title: str, path: Path) -> None:
    """Draw a confusion matrix: colour is the share of the true label's rows, digits are rows.

    Args:
        matrix: (labels, labels) counts, rows are true labels.
        labels: their names.
        title: what stands above.
        path: the PNG file.
    """
    few = len(labels) <= MOST_NAMED
    side = 3.2 + 0.42 * len(labels) if few else 3.0 + 0.19 * len(labels)
    font = 9.0 if few else 6.5
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    places = range(len(labels))
    for axis, rotation in ((axes.xaxis, 90), (axes.yaxis, 0)):
        axis.set_ticks(places)
        for text in axis.set_ticklabels(list(labels), fontsize=font, rotation=rotation, color=INK):
            text.set_parse_math(False)  # a label may hold a dollar sign
    for row, column in zip(*np.nonzero(matrix), strict=True):
        colour = "white" if share[row, column] > DARK else INK
        count = int(matrix[row, column])
        text = axes.text(column, row, str(count), ha="center", va="center", color=colour)
        text.set(fontsize=font - 1, in_layout=False)  # thousands of them would slow the layout
    axes.set_xlabel("answered", color=INK)
    axes.set_ylabel("true", color=INK)
    axes.set_title(title, color=INK, loc="left", fontsize=font + 3, parse_math=False)
    # A faint grid leads the eye from a far cell to its two names.
    axes.set_xticks(np.arange(-0.5, len(labels)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(labels)), minor=True)
    axes.grid(which="minor", color="#e8ebef", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    _save(figure, path)


def draw_reliability(reports: Mapping[str, Mapping[str, Any]], served: str, path: Path) -> None:
    """Draw accuracy against confidence for all artifacts, and where the served one's rows lie.

    Args:
        reports: artifact name to its calibration: `error` and `bins`.
        served: the artifact whose rows are counted below.
        path: the PNG file.
    """
    figure = Figure(figsize=(6, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color=FAINT, linestyle="--", label="perfectly calibrated")
    for colour, (name, report) in zip(COLOURS, reports.items(), strict=False):
        bins = [b for b in report["bins"] if b["rows"]]
        upper.plot(
            [b["confidence"] for b in bins],
            [b["accuracy"] for b in bins],
            marker="o",
            markersize=4,
            color=colour,
            label=f"{name}: error {report['error']:.3f}",
        )
    bins = reports[served]["bins"]
    lower.bar(
        [b["low"] for b in bins],
        [b["rows"] for b in bins],
        width=[b["high"] - b["low"] for b in bins],
        align="edge",
        color=COLOURS[list(reports).index(served) % len(COLOURS)],
        edgecolor="white",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    lower.set(xlabel="confidence", ylabel=f"rows ({served})")
    upper.set_title("Reliability: is it right as often as it is sure?", loc="left", color=INK)
    upper.legend(frameon=False, loc="best")
    for axes in (upper, lower):
        axes.grid(color="#e8ebef", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # Labels in a script that the bundled font lacks are drawn as boxes; the tables have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, dpi=110, metadata={"Software": None}, pil_kwargs={"optimize": True})
