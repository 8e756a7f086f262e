"""In: what a search found. Out: pictures of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from components.search.finalists import Finalist
from components.search.searched import Searched
from components.search.trials import Trial

INK: Final = "#1f2937"
ACCENT: Final = "#b7791f"
FAINT: Final = "#9ca3af"


def draw_history(searched: Searched, path: Path) -> None:
    """Draw each trial's score, the best so far, and the finalists' further scores and means."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.add_subplot()
    scored = [trial for trial in searched.trials if trial.score is not None]
    complete = [trial for trial in scored if trial.state == "complete"]
    pruned = [trial for trial in scored if trial.state == "pruned"]
    axes.step(
        [trial.number for trial in complete],
        list(accumulate((_score(trial) for trial in complete), max)),
        where="post",
        color=FAINT,
        label="best so far",
    )
    _dots(axes, complete, "complete", color=INK)
    _dots(axes, pruned, "pruned", facecolors="none", edgecolors=FAINT)
    for trial in searched.trials:
        if trial.score is None:
            axes.axvline(trial.number, color=FAINT, linestyle=":", label="diverged")
    best = searched.best
    for finalist in searched.finalists:
        _spread(axes, finalist, ACCENT if finalist.trial == best.trial else INK)
    axes.axhline(best.mean, color=ACCENT, linewidth=0.6, alpha=0.5)
    axes.set_title(f"best {best.figure}, trial {best.trial}", color=INK)
    axes.set_xlabel("trial")
    axes.set_ylabel("validation score")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes)
    labelled = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(labelled.values(), labelled.keys(), frameon=False)
    figure.savefig(path, dpi=120)


def draw_importances(importances: Mapping[str, float], path: Path) -> None:
    """Draw each field's share, the largest on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.9 + 0.45 * len(importances)), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(list(importances), list(importances.values()), color=ACCENT, height=0.55)
    axes.bar_label(bars, fmt="{:.0%}", padding=4, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.set_xticks([])
    axes.set_title("share in the differences between scores", color=INK)
    _finish(axes)
    figure.savefig(path, dpi=120)


def _spread(axes: Any, finalist: Finalist, color: str) -> None:  # noqa: ANN401
    """Draw what further seeds scored beside the trial's own dot, and a bar at the mean of all."""
    if finalist.spread is None or finalist.reason is not None:
        return
    further = finalist.scores[1:]
    place = [finalist.trial] * len(further)
    axes.scatter(place, further, marker="x", color=color, zorder=4, label="with another seed")
    ends = (finalist.trial - 0.15, finalist.trial + 0.15)
    axes.hlines(finalist.mean, *ends, color=color, linewidth=2, label="mean over seeds")


def _dots(axes: Any, trials: list[Trial], label: str, **style: str) -> None:  # noqa: ANN401
    if trials:
        numbers, scores = [t.number for t in trials], [t.score for t in trials]
        axes.scatter(numbers, scores, label=label, zorder=3, **style)


def _finish(axes: Any) -> None:  # noqa: ANN401 - matplotlib has no such type to import cheaply
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)


def _score(trial: Trial) -> float:
    return trial.score if trial.score is not None else float("-inf")
