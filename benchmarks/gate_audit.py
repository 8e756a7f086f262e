"""In: recorded answers. Out: how often the gate errs, beside how often it says that it does.

    python -m benchmarks.gate_audit

Draws test sets from answers that `benchmarks.record` recorded, some with a planted change, and
puts each before the gate's own functions. Ends with 1 when a figure misses its limit.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from benchmarks.gate_cost import counted, limits, measure
from benchmarks.trials import BEYOND, WHEN, Outcome, Scenario, params, population, run

TRIALS: Final = 1000
TOGETHER: Final = 25
SMALL: Final = 600
LARGE: Final = 2800
LOSSES: Final = (-0.01, -0.02, -0.05)
GAINS: Final = (0.01, 0.02)
SLICE_LOSS: Final = -0.10
ERROR: Final = 0.05
COVERED: Final = (0.93, 0.97)
STATED_WITHIN: Final = 0.02
ROUNDING: Final = 1e-9

Found = dict[Scenario, list[Outcome]]


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        what: was measured.
        trials: how many, or 0.
        measured: the figure.
        least: it must be, or None.
        most: it may be, or None.
        stated: what the gate's report says of it, or None.
        unit: of all of them.
    """

    what: str
    trials: int
    measured: float
    least: float | None = None
    most: float | None = None
    stated: float | None = None
    unit: str = "%"

    @property
    def missed(self) -> bool:
        """Whether the figure is outside its limits."""
        least = -math.inf if self.least is None else self.least - ROUNDING
        most = math.inf if self.most is None else self.most + ROUNDING
        return not least <= self.measured <= most

    def __str__(self) -> str:
        def told(value: float | None) -> str:
            if value is None:
                return ""
            return f"{100 * value:.1f} %" if self.unit == "%" else f"{value:g} {self.unit}"

        asked = " ".join(
            f"{sign} {told(value)}"
            for sign, value in ((">=", self.least), ("<=", self.most))
            if value is not None
        )
        judged = "MISSED" if self.missed else "holds" if asked else ""
        count = str(self.trials or "")
        return (
            f"{self.what:<66}{count:>6}{told(self.measured):>10}{told(self.stated):>10}"
            f"  {asked:<20}  {judged}"
        )


def main() -> int:
    """Run all trials, print the table, and return how many figures miss their limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    trials = parser.parse_args().trials
    started = time.perf_counter()
    everyone = population()
    scores = ", ".join(f"{everyone.metric(each):.4f}" for each in everyone.answers)
    print(
        f"{len(everyone.labels)} recorded rows in {len(everyone.members)} groups; "
        f"{everyone.task.metric} of the retrained models: {scores}\n"
    )
    print(f"{'':<66}{'trials':>6}{'measured':>10}{'stated':>10}  limit")
    lines = []
    cost_lines = cost()
    for heading, own in tables(trial_all(scenarios(), trials)):
        print(f"\n{heading}")
        for line in own:
            print(line, flush=True)
        lines += own
    print("\nThe whole gate: 10,000 examples, 10,000 resamples, 50 slices, 50,000 training rows")
    for line in cost_lines:
        print(line)
    missed = [line for line in [*lines, *cost_lines] if line.missed]
    print(f"\n{len(missed)} figures missed; {time.perf_counter() - started:.0f} s")
    return len(missed)


def scenarios() -> list[Scenario]:
    """Return everything that is tried, the longest first."""
    margin = params("superior").slices.margin
    return [
        Scenario("slices", LARGE, -margin),
        Scenario("slice", LARGE, SLICE_LOSS),
        *(Scenario("exchanged", rows) for rows in (LARGE, SMALL)),
        *(Scenario("retrained", rows) for rows in (LARGE, SMALL)),
        *(Scenario("planted", rows, change) for rows, change in planted()),
    ]


def planted() -> list[tuple[int, float]]:
    """Return the sizes and changes that are tried; gains inform, but by all that is asked.

    On many rows, what is more than the second loss is as certain to be found as that one.
    """
    return [*((LARGE, change) for change in LOSSES[:2]), *((SMALL, c) for c in (*LOSSES, *GAINS))]


def trial_all(wanted: Sequence[Scenario], trials: int) -> Found:
    """Run every scenario so many times, on all cores; the outcomes do not depend on how many."""
    # One thread each: the arrays are small, and every core has its own trials.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    parts = [
        (scenario, range(start, min(start + TOGETHER, trials)))
        for scenario in wanted
        for start in range(0, trials, TOGETHER)
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        done = pool.map(run, *zip(*parts, strict=True))
        found: Found = {scenario: [] for scenario in wanted}
        for (scenario, _), outcomes in zip(parts, done, strict=True):
            found[scenario] += outcomes
    return found


def tables(found: Found) -> Iterable[tuple[str, list[Line]]]:
    """Return the tables of the audit, each with its heading."""
    yield "Promoted, though neither model is better (A/A)", list(_nothing(found))
    yield "Promoted, though worse by exactly the margin", list(_margin(found))
    yield "Held, at the power that the report states of such a change", list(_power(found))
    yield "Slices", list(_slices(found))
    yield "Intervals that hold the truth", list(_coverage(found))


def _nothing(found: Found) -> Iterable[Line]:
    for rows in (SMALL, LARGE):
        own = found[Scenario("exchanged", rows)]
        what = f"superior, {rows} rows, retrained models exchanged by group"
        yield Line(what, len(own), _share(own, lambda o: o.promoted["superior"]), most=ERROR)
    for rows in (SMALL, LARGE):
        own = found[Scenario("retrained", rows)]
        what = f"superior, {rows} rows, retrained with other seeds"
        yield Line(what, len(own), _share(own, lambda o: o.promoted[BEYOND]), most=ERROR)
        what = f"  the same, were a lucky seed taken for a gain, {rows} rows"
        yield Line(what, len(own), _share(own, lambda o: o.promoted["superior"]))


def _margin(found: Found) -> Iterable[Line]:
    margin = params("non_inferior").margin
    for rows in (SMALL, LARGE):
        own = found[Scenario("planted", rows, -margin)]
        rate = _share(own, lambda o: o.promoted["non_inferior"])
        yield Line(f"non_inferior, {rows} rows, margin {margin:g}", len(own), rate, most=ERROR)


def _power(found: Found) -> Iterable[Line]:
    for when in (*WHEN, BEYOND):
        for rows, change in planted():
            yield _stated(found, rows, when, change)


def _stated(found: Found, rows: int, when: str, change: float) -> Line:
    """Compare what reports on models without a difference state with what came to pass."""
    own = found[Scenario("planted", rows, change)]
    stated = _mean(found[Scenario("exchanged", rows)], lambda o: o.held[when, change])
    least, most = _about(stated) if change in LOSSES or when == BEYOND else (None, None)
    held = 1 - _share(own, lambda o: o.promoted[when])
    what = f"{when}, {rows} rows, change {100 * change:+g} points"
    return Line(what, len(own), held, least, most, stated)


def _slices(found: Found) -> Iterable[Line]:
    asked = params("superior").slices
    own = found[Scenario("slice", LARGE, SLICE_LOSS)]
    plain = found[Scenario("exchanged", LARGE)]
    stated = _mean(plain, lambda o: _average(o.slice_held.values()))
    held = _share(own, lambda o: o.slices.get(o.planted) != "holds")
    what = f"not shown to hold, {LARGE} rows, {100 * SLICE_LOSS:+g} points there only"
    yield Line(what, len(own), held, *_about(stated), stated)
    at_margin = found[Scenario("slices", LARGE, -asked.margin)]
    count = len(population().parts())
    what = f"any of {count} shown to hold, all worse by the margin {asked.margin:g}"
    rate = _share(at_margin, lambda o: "holds" in o.slices.values())
    yield Line(what, len(at_margin), rate, most=ERROR)
    rate = _share(plain, lambda o: "broken" in o.slices.values())
    yield Line("any shown to be worse, though none is", len(plain), rate, most=ERROR)
    rate = _share(plain, lambda o: "open" in o.slices.values())
    yield Line("any left open, though none is worse", len(plain), rate)


def _coverage(found: Found) -> Iterable[Line]:
    least, most = COVERED
    for rows in (SMALL, LARGE):
        own = found[Scenario("retrained", rows)]
        for name in own[0].covered:
            rate = _share(own, lambda o, name=name: o.covered[name])  # type: ignore[misc]
            yield Line(f"{name}, {rows} rows", len(own), rate, least, most)


def cost() -> list[Line]:
    """Measure the whole gate at full size in a process of its own."""
    found = measure()
    spent = sum(part["cpu"] for part in counted(found).values())
    return [
        *(
            Line(name, 0, round(value, 2), most=most, unit=unit)
            for name, value, most, unit in limits(found)
        ),
        Line("seconds of the processor's own, whatever else runs", 0, round(spent, 1), unit="s"),
    ]


def _share(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> float:
    return _average([float(holds(outcome)) for outcome in outcomes])


def _mean(outcomes: Sequence[Outcome], figure: Callable[[Outcome], float]) -> float:
    return _average([figure(outcome) for outcome in outcomes])


def _average(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _about(stated: float) -> tuple[float, float]:
    return stated - STATED_WITHIN, stated + STATED_WITHIN


if __name__ == "__main__":
    sys.exit(min(main(), 1))
