"""In: what earlier studies of the same task found. Out: values that are worth a trial."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.files import read_json, write_json
from components.search.searched import Searched
from components.search.space import within
from components.search.study import StudyPlace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

RECORD: Final = "record.json"
KEPT: Final = 10


@dataclass(frozen=True)
class Prior:
    """Values that did well before.

    Attributes:
        values: of every searched field.
        origin: the study and the trial that they come from.
    """

    values: Mapping[str, Any]
    origin: str


def write_record(place: StudyPlace, found: Searched) -> None:
    """Leave what a study found for later studies of the same family: its best trials' values.

    Finalists come first, by their means; then the other complete trials by their scores.
    """
    if not place.family:
        return
    means = {f.trial: f.mean for f in found.finalists if f.reason is None}
    complete = [trial for trial in found.trials if trial.state == "complete"]
    best = sorted(
        complete,
        key=lambda t: (t.number not in means, -means.get(t.number, t.score or 0.0), t.number),
    )
    rows = [{"trial": t.number, "values": dict(t.values), "score": t.score} for t in best[:KEPT]]
    record = {"family": place.family, "trials": rows}
    path = place.own / RECORD
    # A study that is only read again is no later one.
    if not path.exists() or {**read_json(path), "ended": None} != {**record, "ended": None}:
        write_json(path, {**record, "ended": time.time()})


def find_priors(
    place: StudyPlace,
    space: Mapping[str, BaseDistribution],
    default: Mapping[str, Any],
    count: int,
) -> tuple[Prior, ...]:
    """Return the best values of earlier studies of the same family, those that ended last first.

    A field that they did not search, or whose value the space cannot draw now, is as in `default`;
    what comes to the same as `default` or an earlier one is left out.

    Args:
        place: of the study that asks.
        space: that it draws from.
        default: the training section's own values.
        count: at most so many.
    """
    records = [
        (record["ended"], path.parent.name, record["trials"])
        for path in sorted(place.folder.glob(f"*/{RECORD}"))
        if path.parent.name != place.name
        and place.family
        and (record := read_json(path))["family"] == place.family
    ]
    found: list[Prior] = []
    for _, study, rows in sorted(records, key=lambda r: (-r[0], r[1])):
        for row in rows:
            known = {**default, **{n: v for n, v in row["values"].items() if n in space}}
            inside = within(space, known)
            values = {n: known[n] if n in inside else default[n] for n in default}
            if values != default and all(values != prior.values for prior in found):
                found.append(Prior(values, f"{study}/{row['trial']}"))
    return tuple(found[:count])


def as_json(priors: Sequence[Prior]) -> str:
    """Return what `from_json` reads."""
    return json.dumps([vars(prior) for prior in priors])


def from_json(text: str) -> tuple[Prior, ...]:
    """Return what `as_json` wrote."""
    return tuple(Prior(**row) for row in json.loads(text))
