"""In: what the curve says. Out: a page that opens offline, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from components.curve.foresight import Foresight
from components.curve.points import Point
from components.files import write_json, write_text
from components.pages import environment, scale
from components.pages.words import bounds, count, name

# Less than this reads as 0.0 points.
NOTHING: Final = 0.0005


@dataclass(frozen=True)
class About:
    """What was measured, and on what.

    Attributes:
        project: its name.
        metric: the task's.
        validation: rows that everything was scored on.
        groups: of those rows; rows of one are drawn together.
        epochs: at most, of a training on all labels.
    """

    project: str
    metric: str
    validation: int
    groups: int
    epochs: int


def sentence(found: Foresight, metric: str) -> str:
    """Return in one sentence what more labels would buy, or that it cannot be told, and why."""
    if found.gain is None or found.interval is None:
        return f"What another {count(found.more)} labels would buy cannot be told: {_why(found)}."
    low, high = found.interval
    held = f"{100 * found.confidence:g} % interval"
    if high < NOTHING:
        return (
            f"Another {count(found.more)} labels would buy next to nothing "
            f"({held}: under 0.1 points)."
        )
    return (
        f"Another {count(found.more)} labels would buy {100 * found.gain:.1f} points of "
        f"{name(metric)} ({held}: {100 * low:.1f} to {100 * high:.1f})."
    )


def write_page(
    found: Foresight, points: Sequence[Point], about: About, html: Path, json: Path
) -> str:
    """Write both; the same points, the same bytes, but for how long training took.

    Returns:
        The sentence that both begin with.
    """
    said = sentence(found, about.metric)
    template = environment("components.curve", {}).get_template("curve.html.jinja")
    write_text(html, template.render(**_view(found, points, about, said)))
    write_json(
        json,
        {
            "sentence": said,
            "about": asdict(about),
            "foresight": asdict(found),
            "points": [asdict(point) for point in points],
        },
    )
    return said


def _why(found: Foresight) -> str:
    return "; ".join(found.doubts)


def _view(found: Foresight, points: Sequence[Point], about: About, said: str) -> dict[str, Any]:
    labels = [n for n, *_ in found.curve]
    measured = [v for size in found.sizes for v in (*size.interval, *size.scores)]
    drawn = [v for _, *values in found.curve for v in values]
    # A wild end of the band must not flatten what was measured.
    low = min(measured)
    x, y = scale(labels, log=True), scale([*measured, *(v for v in drawn if v >= low)])
    seen = [row for row in found.curve if row[0] <= found.sizes[-1].labels]
    ahead = [row for row in found.curve if row[0] >= found.sizes[-1].labels]
    return {
        "found": found,
        "about": about,
        "said": said,
        "x": x,
        "y": y,
        "line": _path([(x.at(n), y.up(v)) for n, v, *_ in seen]),
        "ahead": _path([(x.at(n), y.up(v)) for n, v, *_ in ahead]),
        "band": _path(
            [(x.at(n), y.up(high)) for n, _, _, high in found.curve]
            + [(x.at(n), y.up(low)) for n, _, low, _ in reversed(found.curve)]
        )
        + "Z",
        "last": found.curve[-1],
        "rows": [_row(size, points) for size in reversed(found.sizes)],
        "seconds": sum(point.seconds for point in points),
        "trainings": len(points),
    }


def _row(size: Any, points: Sequence[Point]) -> dict[str, Any]:  # noqa: ANN401 - a Size
    own = [point for point in points if point.share == size.share]
    return {
        "size": size,
        "bounds": bounds(size.interval),
        "rows": round(sum(p.rows for p in own) / len(own)),
        "epochs": ", ".join(str(p.best_epoch) for p in own),
        "seconds": sum(p.seconds for p in own) / len(own),
    }


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
