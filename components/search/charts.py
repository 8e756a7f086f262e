"""In: trials. Out: the geometry of the report's pictures, which its templates draw as SVG.

Places are per cent of a picture's width and height: so it has any width, and its texts one size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import quantiles
from typing import Any, Final

from components.pages import Scale, scale
from components.pages.words import number
from components.params import SearchParams
from components.params.sections import Range
from components.search.finalists import Finalist
from components.search.trials import Trial

# Points of a picture beyond so many widths of the middle half lie off its lower edge.
WHISKER: Final = 1.5
FEW: Final = 4
BELOW: Final = 0.3
# Height of one axis of the parallel coordinates in pixels, and where its line lies in it.
ROW: Final = 66
LINE: Final = 30
# A trial's shade: 5 for the best tenth, 1 for the worse half.
SHADES: Final = (0.1, 0.2, 0.35, 0.5)
# Trials with the same choice are set apart over this share of its width when they are many.
APART: Final = 0.7
MANY: Final = 20

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis of the parallel coordinates.

    Attributes:
        name: of the field.
        ticks: place and text of each.
        at: gives the place of a value of the trial at a place in the list of trials.
    """

    name: str
    ticks: Sequence[tuple[float, str]]
    at: Callable[[Any, int], float]


def score_scale(ended: Iterable[float], kept: Iterable[float] = ()) -> Scale:
    """Return a line for scores that a few very bad ones do not stretch.

    Args:
        ended: of trials that came to their end; those far below the middle half leave the line.
        kept: those that must lie on it.
    """
    found, wanted = sorted(ended), list(kept)
    if len(found) >= FEW:
        low, _, high = quantiles(found, n=4, method="inclusive")
        least = min([low - WHISKER * (high - low), *wanted])
        found = [score for score in found if score >= least]
    line = scale([*found, *wanted])
    # Room below, where the better ones of those lie that were pruned.
    return Scale(line.low - BELOW * (line.high - line.low), line.high)


def history(
    trials: Sequence[Trial], finalists: Sequence[Finalist], winner: Finalist
) -> dict[str, Any]:
    """Return each trial's score by its number, the best so far, and what further seeds scored."""
    further = [score for f in finalists for score in f.scores[1:]]
    complete = [t for t in trials if t.state == "complete" and t.score is not None]
    y = score_scale(_scores(complete), [*further, winner.mean])
    x = Scale(-0.7, len(trials) - 0.3)
    best = list(accumulate((t.score or 0.0 for t in complete), max))
    steps = [(x.at(t.number), y.up(score)) for t, score in zip(complete, best, strict=True)]
    return {
        "x": x,
        "y": y,
        "dots": [
            {
                "trial": t,
                "x": x.at(t.number),
                "y": y.up(t.score) if t.score is not None else 100.0,
                "below": t.score is not None and t.score < y.low,
                "winner": t.number == winner.trial,
            }
            for t in trials
        ],
        "best": stairs(steps, x.at(len(trials) - 0.3)),
        "seeds": [
            {
                "x": x.at(f.trial),
                "further": [y.up(score) for score in f.scores[1:]],
                "mean": y.up(f.mean),
                "winner": f.trial == winner.trial,
            }
            for f in finalists
            if f.reason is None and f.spread is not None
        ],
        "mean": y.up(winner.mean),
    }


def curves(
    trials: Sequence[Trial], finalists: Sequence[Finalist], winner: int
) -> dict[str, Any] | None:
    """Return every trial's score by epoch, the winner's last, so that it lies on top."""
    told = [trial for trial in trials if trial.scores]
    if not told:
        return None
    own = [score for t in told if t.number == winner for score in t.scores.values()]
    whole = [score for t in told if t.state == "complete" for score in t.scores.values()]
    y = score_scale(whole, own)
    last = max(max(trial.scores) for trial in told)
    x = Scale(1, last) if last > 1 else Scale(0.5, 1.5)
    best = {f.trial for f in finalists}
    lines = [
        {
            "trial": trial,
            "kind": _kind(trial, winner, best),
            "d": path([(x.at(epoch), _below(y, s)) for epoch, s in trial.scores.items()]),
            "x": x.at(max(trial.scores)),
            "y": _below(y, trial.scores[max(trial.scores)]),
        }
        for trial in told
    ]
    order = ("failed", "pruned", "complete", "finalist", "winner")
    return {
        "x": x,
        "y": y,
        "lines": sorted(lines, key=lambda line: order.index(str(line["kind"]))),
    }


def parallel(trials: Sequence[Trial], params: SearchParams, winner: int) -> dict[str, Any]:
    """Return one axis per searched field and one of scores, and each trial's way across them.

    The axes lie flat, one below the other: so their names and numbers fit on a phone as well.
    """
    scored = sorted((t for t in trials if t.score is not None), key=lambda t: t.score or 0.0)
    axes = [_axis(name, [t.values[name] for t in trials], params) for name in trials[0].values]
    y = score_scale(_scores(t for t in trials if t.state == "complete"))
    axes.append(_line("score", y))
    worse = {t.number: 1 - (place + 1) / len(scored) for place, t in enumerate(scored)}
    shade = {number: 1 + sum(share < each for each in SHADES) for number, share in worse.items()}
    places = {trial.number: place for place, trial in enumerate(trials)}
    # What failed lies lowest, and has no score to end at; the winner lies on top.
    drawn = [*(t for t in trials if t.score is None), *scored]
    drawn.sort(key=lambda t: t.number == winner)
    return {
        "height": ROW * len(axes),
        "axes": [
            {"name": axis.name, "y": ROW * index + LINE, "ticks": axis.ticks}
            for index, axis in enumerate(axes)
        ],
        "lines": [
            {
                "trial": trial,
                "kind": "winner" if trial.number == winner else trial.state,
                "shade": shade.get(trial.number, 0),
                "d": path(_across(trial, places[trial.number], axes)),
            }
            for trial in drawn
        ],
    }


def _across(trial: Trial, place: int, axes: Sequence[Axis]) -> list[Point]:
    """Return where a trial lies on each axis; without a score it has no place on the last."""
    values = [*trial.values.values(), *([] if trial.score is None else [trial.score])]
    places = [axis.at(value, place) for axis, value in zip(axes, values, strict=False)]
    return [(at, ROW * index + LINE) for index, at in enumerate(places)]


def _axis(name: str, values: Sequence[Any], params: SearchParams) -> Axis:
    """Return an axis: a line of numbers as they are drawn, or one place for each choice."""
    space = params.space.get(name)
    if isinstance(space, Range):
        return _line(name, scale([*values, space.low, space.high], log=space.log))
    listed = list(space.choices) if space is not None else []
    choices = list(dict.fromkeys([*listed, *values]))
    width = 100 / len(choices)
    same = {choice: [i for i, value in enumerate(values) if value == choice] for choice in choices}

    def at(value: Any, trial: int) -> float:  # noqa: ANN401 - as drawn
        among = same[value]
        apart = APART * min(1, len(among) / MANY)
        aside = apart * ((among.index(trial) + 0.5) / len(among) - 0.5)
        return round(width * (choices.index(value) + 0.5 + aside), 2)

    middles = [round(width * (index + 0.5), 2) for index in range(len(choices))]
    return Axis(name, list(zip(middles, map(number, choices), strict=True)), at)


def _line(name: str, line: Scale) -> Axis:
    ticks = [(line.at(tick), text) for tick, text in line.told]
    return Axis(name, ticks, lambda value, _: line.at(value))


def _scores(trials: Iterable[Trial]) -> list[float]:
    return [trial.score for trial in trials if trial.score is not None]


def _kind(trial: Trial, winner: int, best: set[int]) -> str:
    if trial.number == winner:
        return "winner"
    return "finalist" if trial.number in best else trial.state


def _below(line: Scale, score: float) -> float:
    """Return a place that may lie below the picture: what is drawn there is cut off."""
    if not math.isfinite(score):
        return 100.0
    return round(100 * (1 - (score - line.low) / (line.high - line.low)), 2)


def path(points: Sequence[Point]) -> str:
    """Return the points as one line."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def stairs(points: Sequence[Point], end: float) -> str:
    """Return the points as steps that go on to `end`; empty where there is none."""
    if not points:
        return ""
    return f"M{points[0][0]:g} {points[0][1]:g}" + "".join(
        f"H{x:g}V{y:g}" for x, y in points[1:]
    ) + f"H{end:g}"  # fmt: skip
