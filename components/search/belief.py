"""In: the finalists and the trials. Out: how far the winner can be believed, in sentences.

The best of many scores was lucky as well as good. What tells luck from worth is the spread between
seeds: a lead that is small beside it may turn round with the next seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from components.pages.words import count, figure, name, number, signed
from components.search.about import About
from components.search.finalists import Finalist
from components.search.searched import Searched
from components.search.trials import Trial

LEVEL: Final = 0.95
# More seeds than these nobody trains.
MOST_SEEDS: Final = 1000
# More than these and the two are as good as each other for all that one can do about it.
PRACTICAL: Final = 50
# Share of a range's width that counts as its end.
END: Final = 0.02
SINGLE: Final = 2


@dataclass(frozen=True)
class Statement:
    """One thing to know before the winner is believed.

    Attributes:
        state: "holds" speaks for the winner, "open" is not decided, "informs" is neither.
        title: of a few words.
        text: whole sentences.
    """

    state: str
    title: str
    text: str


@dataclass(frozen=True)
class Lead:
    """By how much one finalist is ahead of another, by the seeds that both trained with.

    Attributes:
        mean: of the differences, seed by seed.
        half: half the width of the 95 % t-interval; None with a single seed.
        seeds: how many.
        needed: seeds with which the interval would leave 0 out, if mean and spread stay as they
            are; None when they cannot be told or are more than a thousand.
    """

    mean: float
    half: float | None
    seeds: int
    needed: int | None

    @property
    def proved(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.half is not None and self.mean > self.half


def lead(one: Sequence[float], other: Sequence[float]) -> Lead:
    """Return the lead of `one` over `other`, paired by seed (Student's t on the differences)."""
    apart = [a - b for a, b in zip(one, other, strict=False)]
    mean, seeds = fmean(apart), len(apart)
    if seeds < SINGLE:
        return Lead(mean, None, seeds, None)
    spread = stdev(apart)
    enough = (n for n in range(SINGLE, MOST_SEEDS) if mean > _half(spread, n))
    return Lead(mean, _half(spread, seeds), seeds, next(enough, None))


def _half(spread: float, seeds: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + LEVEL / 2, seeds - 1)) * spread / math.sqrt(seeds)


def sentence(searched: Searched, about: About) -> str:
    """Return the winner in one sentence."""
    best, trial = searched.best, searched.best_trial
    seeds = len(best.scores)
    over = f", the mean of {seeds} seeds" if seeds > 1 else ", with one seed"
    what = f"{name(about.metric)} {figure(best.mean, 'score')} on validation{over}"
    if best.trial == 0:
        others = len(searched.trials) - 1
        return f"The defaults stand: {what}; none of {count(others)} other trials does better."
    default = next((t for t in searched.trials if t.number == 0), None)
    if default is None or default.score is None:
        return f"Trial {trial.number} wins: {what}."
    ahead = _over_default(searched, default)
    side = "above" if ahead.mean >= 0 else "below"
    return f"Trial {trial.number} wins: {what}, {_points(abs(ahead.mean))} {side} the defaults."


def statements(searched: Searched, about: About) -> list[Statement]:
    """Return what to know before the winner is believed, that first which weighs most."""
    return [
        *_runner_up(searched),
        *_default(searched),
        *_luck(searched),
        *_same(searched),
        *_ends(searched, about),
        *_rising(searched, about),
        *_still(searched),
    ]


def _runner_up(searched: Searched) -> Iterator[Statement]:
    best = searched.best
    rest = [f for f in searched.finalists if f.reason is None and f.trial != best.trial]
    if not rest:
        return
    second = max(rest, key=lambda f: (f.mean, -f.trial))
    ahead = lead(best.scores, second.scores)
    who = f"trial {second.trial}" if second.trial else "the defaults"
    title = f"Ahead of {who}, the second"
    if ahead.half is None:
        yield Statement(
            "open",
            title,
            f"By {_points(ahead.mean)}, with one seed each: luck of the seed alone may do that. "
            "search.finalists.seeds: 2 or more would measure it.",
        )
        return
    yield Statement("holds" if ahead.proved else "open", title, _told(ahead))


def _default(searched: Searched) -> Iterator[Statement]:
    default = next((t for t in searched.trials if t.number == 0), None)
    if default is None or default.score is None or searched.best.trial == 0:
        return
    standing = sorted((f.mean for f in searched.finalists if f.reason is None), reverse=True)
    own = of_trial(searched, 0)
    if own is not None and own.reason is None and own.mean == standing[1]:
        return  # the second, of whom all is said
    ahead = _over_default(searched, default)
    title = "Ahead of the defaults, trial 0"
    if ahead.half is not None:
        yield Statement("holds" if ahead.proved else "open", title, _told(ahead))
        return
    spread = searched.best.spread
    beside = "" if spread is None else f", beside {_points(spread)} between the winner's seeds"
    yield Statement(
        "open" if spread is None or ahead.mean < 2 * spread else "holds",
        title,
        f"By {_points(ahead.mean)}{beside}. The defaults were trained with one seed alone, since "
        "they were not among the best trials.",
    )


def _over_default(searched: Searched, default: Trial) -> Lead:
    """Return the lead over trial 0: paired where it is a finalist, else against its one score."""
    own = of_trial(searched, 0)
    if own is not None and own.reason is None:
        return lead(searched.best.scores, own.scores)
    score = default.score if default.score is not None else math.nan
    return Lead(searched.best.mean - score, None, 1, None)


def _told(ahead: Lead) -> str:
    half = ahead.half or 0.0
    ends = f"{signed(ahead.mean - half, 2)} to {signed(ahead.mean + half, 2)}"
    told = f"By {_points(ahead.mean)} over {ahead.seeds} seeds in common, 95 % interval {ends}."
    if ahead.proved:
        return f"{told} Another seed would hardly turn it round."
    if ahead.needed is None:
        return f"{told} They are as good as each other: nothing is lost by either."
    if ahead.needed > PRACTICAL:
        return f"{told} To tell them apart would take {ahead.needed} seeds each: take either."
    return (
        f"{told} The two cannot be told apart. About {ahead.needed} seeds each would, if lead and "
        f"spread stay as they are (search.finalists.seeds: {ahead.needed - 1})."
    )


def _luck(searched: Searched) -> Iterator[Statement]:
    best = searched.best
    if best.spread is None:
        return
    first, further = best.scores[0], fmean(best.scores[1:])
    complete = sum(trial.state == "complete" for trial in searched.trials)
    yield Statement(
        "informs",
        "Luck in its first score",
        f"{figure(first, 'score')} made it a finalist, among the best of {complete} complete "
        f"trials: such a score flatters. Seeds that chose nothing give {figure(further, 'score')}; "
        f"its scores spread by {_points(best.spread)} (standard deviation).",
    )


def _same(searched: Searched) -> Iterator[Statement]:
    """Tell of trials that never trained again although one score each cannot rank them."""
    spreads = [f.spread for f in searched.finalists if f.spread is not None and f.reason is None]
    own = [f.trial for f in searched.finalists]
    last = min((f.scores[0] for f in searched.finalists), default=math.inf)
    if not spreads:
        return
    seed = math.sqrt(fmean(spread**2 for spread in spreads))
    near = [
        trial.number
        for trial in searched.trials
        if trial.state == "complete" and trial.number not in own
        if trial.score is not None and last - trial.score < seed
    ]
    if near:
        named = ", ".join(map(str, near[:6])) + (" and others" if len(near) > 6 else "")  # noqa: PLR2004
        yield Statement(
            "informs",
            "Left out by little",
            f"{len(near)} more trial{'s' if len(near) > 1 else ''} ({named}) scored less than the "
            f"luck of one seed ({_points(seed)}) below the last finalist. A larger "
            "search.finalists.trials would let them in.",
        )


def _ends(searched: Searched, about: About) -> Iterator[Statement]:
    """Tell of values at an end of their range: the best may lie beyond."""
    from components.params.sections import Range

    for field, value in searched.best_trial.values.items():
        space = about.params.space.get(field)
        if not isinstance(space, Range) or isinstance(value, str) or not value:
            continue
        low, high, at = (
            (math.log(space.low), math.log(space.high), math.log(value))
            if space.log and value > 0
            else (space.low, space.high, value)
        )
        share = (at - low) / (high - low)
        if END < share < 1 - END:
            continue
        side = "lower" if share <= END else "upper"
        where = "at" if 0 <= share <= 1 else "beyond"
        yield Statement(
            "informs",
            "At the end of a range",
            f"{field} {number(value)} lies {where} the {side} end of search.space.{field}: "
            "there may be better ones still.",
        )


def _rising(searched: Searched, about: About) -> Iterator[Statement]:
    scores = searched.best_trial.scores
    last = max(scores, default=0)
    if last > 1 and scores[last] == max(scores.values()) and last < about.training.epochs:
        yield Statement(
            "informs",
            "Still rising",
            f"It scored best in its last epoch, number {last}. Training gives it "
            f"{about.training.epochs} epochs.",
        )


def _still(searched: Searched) -> Iterator[Statement]:
    complete = [t for t in searched.trials if t.state == "complete" and t.score is not None]
    if not complete:
        return
    top = max(complete, key=lambda t: (t.score or 0.0, -t.number))
    since = len(searched.trials) - 1 - top.number
    yield Statement(
        "informs",
        "More trials",
        f"The best single score came in trial {top.number}; {count(since)} trial"
        f"{'' if since == 1 else 's'} since have not beaten it."
        if since
        else "The last trial gave the best single score: the search was still finding better ones.",
    )


def _points(value: float) -> str:
    return f"{signed(value, 2).removeprefix('+')} points"


def of_trial(searched: Searched, number: int) -> Finalist | None:
    """Return the finalist of that trial, if it is one."""
    return next((f for f in searched.finalists if f.trial == number), None)
