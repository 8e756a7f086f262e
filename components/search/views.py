"""In: what a search found. Out: what its report shows, put in order, with nothing missing."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

from components.pages import scale
from components.pages.words import number
from components.params.sections import Choice, Range
from components.search import charts
from components.search.about import About
from components.search.belief import lead, sentence, statements
from components.search.copies import Ablation
from components.search.jobs import arm_of
from components.search.retrainings import Retraining
from components.search.searched import Searched
from components.search.trials import Trial

ORDER: Final = ("complete", "pruned", "failed")


def view(searched: Searched, about: About) -> dict[str, Any]:
    """Return the variables of the templates."""
    best = searched.best
    return {
        "searched": searched,
        "about": about,
        "best": best,
        "sentence": sentence(searched, about),
        "statements": statements(searched, about),
        "states": {state: sum(t.state == state for t in searched.trials) for state in ORDER},
        "fields": fields(searched, about),
        "finalists": finalists(searched),
        "history": charts.history(searched.trials, searched.finalists, best),
        "curves": charts.curves(searched.trials, searched.finalists, best.trial),
        "parallel": charts.parallel(searched.trials, about.params, best.trial),
        "rows": rows(searched),
        "rungs": rungs(searched),
        "failed": [t for t in searched.trials if t.state == "failed"],
        "cost": cost(searched, about),
        "copies": copies(searched.ablation, about),
    }


def fields(searched: Searched, about: About) -> list[dict[str, Any]]:
    """Return each searched field: its default, the winner's value, its range, and its share."""
    shares = searched.importances
    found = [
        {
            "name": name,
            "default": number(getattr(about.training, name)),
            "winner": number(value),
            "space": _space(about.params.space.get(name)),
            "share": shares.get(name),
        }
        for name, value in searched.best_trial.values.items()
    ]
    return sorted(found, key=lambda field: -(field["share"] or 0.0))


def _space(space: Range | Choice | None) -> str:
    if space is None:
        return ""
    if isinstance(space, Choice):
        return ", ".join(number(choice) for choice in space.choices)
    how = " (log)" if space.log else f", by {number(space.step)}" if space.step else ""
    return f"{number(space.low)} to {number(space.high)}{how}"


def finalists(searched: Searched) -> dict[str, Any]:
    """Return the finalists, the winner first, on one line of scores."""
    best = searched.best
    ranked = sorted(searched.finalists, key=lambda f: (f.reason is not None, -f.mean, f.trial))
    line = scale(score for f in searched.finalists for score in f.scores)
    return {
        "scale": line,
        "rows": [
            {
                "finalist": each,
                "winner": each.trial == best.trial,
                "behind": lead(best.scores, each.scores).mean if each.reason is None else None,
            }
            for each in ranked
        ],
    }


def copies(found: Ablation | None, about: About) -> dict[str, Any] | None:
    """Return what is shown of altered copies; None where nobody asked."""
    if found is None:
        return None
    sides = {"With the copies": (True, found.rows), "Without": (False, found.rows - found.copies)}
    scores = {True: found.with_scores, False: found.without_scores}
    rows = []
    for name, (side, trained) in sides.items():
        own = [t for t in found.trainings if (arm := arm_of(t.round)) and arm.copies == side]
        rows.append(
            {
                "name": name,
                "rows": trained,
                "epochs": max((len(each.scores) for each in own), default=0),
                "scores": scores[side],
                "mean": fmean(scores[side]) if scores[side] else None,
                "seconds": sum(each.seconds for each in own),
                "lost": [each.reason for each in own if each.score is None],
            }
        )
    return {"found": found, "sentence": found.sentence(about.metric), "rows": rows}


def rungs(searched: Searched) -> list[dict[str, Any]]:
    """Return, for each epoch, how many trials reached it and how many were pruned after it.

    `kept` is the worst score that went on, `cut` the best one that did not: where trials of
    several kinds were judged by what was known at the time, the one may lie below the other.
    """
    out = []
    for epoch in sorted({epoch for trial in searched.trials for epoch in trial.scores}):
        here = [t for t in searched.trials if epoch in t.scores]
        cut = [t for t in here if t.state == "pruned" and max(t.scores) == epoch]
        on = [t.scores[epoch] for t in here if max(t.scores) > epoch or t.state == "complete"]
        out.append(
            {
                "epoch": epoch,
                "reached": len(here),
                "pruned": len(cut),
                "kept": min(on, default=None),
                "cut": max((t.scores[epoch] for t in cut), default=None),
            }
        )
    return out


def rows(searched: Searched) -> list[dict[str, Any]]:
    """Return all trials: the winner, finalists, complete, pruned, failed ones, each by score."""
    finalist = {f.trial: f for f in searched.finalists}
    winner = searched.best.trial

    def rank(trial: Trial) -> tuple[bool, bool, int, float, int]:
        score = trial.score if trial.score is not None else 0.0
        own = trial.number
        return (own != winner, own not in finalist, ORDER.index(trial.state), -score, own)

    return [
        {
            "trial": trial,
            "finalist": finalist.get(trial.number),
            "origin": origin(trial),
            "why": why(trial),
        }
        for trial in sorted(searched.trials, key=rank)
    ]


def origin(trial: Trial) -> str:
    """Return where a trial's values come from; nothing where they were drawn, as most are."""
    if trial.number == 0:
        return "defaults"
    return f"warm start: {trial.origin}" if trial.origin else ""


def why(trial: Trial) -> str:
    """Return why a trial ended before its time, and how often it had to be begun.

    Its score and its epochs stand beside it, so that a pruned one says only what it fell short of.
    """
    cut = trial.cut
    reason = f"below {cut.bound:.4f}, {cut.rule}" if cut else trial.reason
    again = f"begun {trial.attempts} times" if trial.attempts > 1 else None
    return "; ".join(part for part in (reason, again) if part)


def cost(searched: Searched, about: About) -> dict[str, Any]:
    """Return what trials and finalists cost, and what pruning saved.

    A pruned trial would have gone on as fast as it was: that is what its epochs are priced by.
    """
    trials, again = searched.trials, searched.retrainings
    arms = searched.ablation.trainings if searched.ablation else ()
    spent = [
        _sum("Trials", trials, about),
        _sum("Finalists, further seeds", again, about),
        _sum("With and without altered copies", arms, about),
    ]
    total = {
        key: sum(row[key] for row in spent)
        for key in ("trainings", "epochs", "examples", "seconds")
    }
    pruned = [trial for trial in trials if trial.state == "pruned"]
    saved = sum(about.params.epochs - len(trial.scores) for trial in pruned)
    pace = [trial.seconds / len(trial.scores) for trial in pruned if trial.scores]
    return {
        "rows": [row for row in spent if row["trainings"]],
        "total": {"name": "Together", **total},
        "killed": _again(trials) + _again(again) + _again(arms),
        "memory": max((t.memory for t in trials if t.memory is not None), default=None),
        "device_memory": max(
            (t.device_memory for t in trials if t.device_memory is not None), default=None
        ),
        "saved": saved,
        "saved_seconds": saved * fmean(pace) if pace else 0.0,
        "saved_share": saved / (saved + spent[0]["epochs"]) if saved else 0.0,
    }


def _again(trainings: Sequence[Trial] | Sequence[Retraining]) -> int:
    """Return how many attempts did not come to an end."""
    return sum(max(0, each.attempts - 1) for each in trainings)


def _sum(
    name: str, trainings: Sequence[Trial] | Sequence[Retraining], about: About
) -> dict[str, Any]:
    epochs = sum(len(each.scores) for each in trainings)
    return {
        "name": name,
        "trainings": len(trainings),
        "epochs": epochs,
        "examples": epochs * about.examples,
        "seconds": sum(each.seconds for each in trainings),
    }
