"""In: data/valid, and what was rejected. Out: what is suspicious about the rows, in figures."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from components.anchors import anchored
from components.difference import difference
from components.leakage import leakage
from components.params import IngestionParams, ProjectParams, SurveyParams
from components.personal import masked
from components.records import REJECTS, iter_examples
from components.schema import ID, REASON, SPLIT, SPLITS
from components.seeding import derive
from components.survey.languages import language
from components.survey.named import ask_named
from components.survey.pairs import pairs
from components.survey.rules import rules
from components.survey.suspects import Asked, ask_several, ask_single
from components.survey.tally import Tally, shown, tally
from components.tasks.base import Example, Task

CONFLICT: Final = "conflicting_label"
SINGLE: Final = ("one_label", "label_or_none")
SEEDS: Final = 2**32
# Quantiles of the lengths, as shares of the rows below them.
QUANTILES: Final = {"p5": 0.05, "p50": 0.5, "p95": 0.95, "longest": 1.0}


@dataclass(frozen=True)
class _Looked:
    """What was looked at, and what was said of it."""

    task: Task
    params: SurveyParams
    region: str | None
    counted: Tally
    sample: Sequence[Example]
    asked: Asked | None
    conflicts: Mapping[str, Any]


def survey(
    project: ProjectParams,
    task: Task,
    params: SurveyParams,
    ingestion: IngestionParams,
    valid: Path,
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Look at the rows that passed, and at those that contradicted one another.

    Args:
        project: the seed of what is asked by cross-validation.
        task: says what is a text, and what a label.
        params: how many rows are looked at, and the budgets.
        ingestion: whose phone numbers are known without +.
        valid: the folder that `validate` made; its splits are streamed.
        before: profile of the champion's data; None where there is none.

    Returns:
        JSON values by finding: rows, labels, characters, slices, suspects, pairs, rare, conflicts,
        scripts, languages, personal, near, difference, and rules. Texts stand under `texts`, with
        personal data masked.

    Raises:
        DataError: a split is absent or is no Parquet.
    """
    region = ingestion.personal.phone_region
    rows = itertools.chain(*(iter_examples(valid, split) for split in SPLITS))
    counted = tally(task, rows, region, params.sample)
    sample = counted.sample.rows
    asked = _ask(task, params, sample, derive(project.seed, "survey") % SEEDS)
    conflicts = _conflicts(task, valid, region, params.listed)
    looked = _Looked(task, params, region, counted, sample, asked, conflicts)
    found = _figures(looked)
    found["near"] = leakage(task, counted.test.rows, valid)
    found["difference"] = difference(task, before, valid)
    found["rules"] = rules(found, params)
    found["texts"] = _texts(looked, found["languages"])
    return found


def _figures(looked: _Looked) -> dict[str, Any]:
    """Return what can be counted, and the ids of the rows that are suspicious."""
    task, counted, asked, sample = looked.task, looked.counted, looked.asked, looked.sample
    return {
        "rows": {split: counted.rows[split] for split in SPLITS},
        "labels": _labels(task, counted),
        "characters": _characters(counted.lengths),
        "slices": {name: dict(values.most_common()) for name, values in counted.slices.items()},
        "suspects": _suspects(task, asked, sample),
        "pairs": pairs(asked, [task.tags(row) for row in sample]) if asked else [],
        "rare": _rare(task, looked.params, counted),
        "conflicts": {name: looked.conflicts[name] for name in ("rows", "pairs")},
        "scripts": _scripts(counted),
        "languages": _languages(task, sample),
        "personal": {"rows": counted.holders, "kinds": dict(sorted(counted.personal.items()))},
    }


def _texts(looked: _Looked, languages: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of the suspicious rows, as many as a page lists."""
    task, region, listed = looked.task, looked.region, looked.params.listed
    return {
        "suspects": _accused(task, looked.asked, looked.sample, region)[:listed],
        "conflicts": looked.conflicts["texts"],
        "scripts": _strangers(task, looked.counted, region)[:listed],
        "languages": _foreign(task, looked.sample, languages, region)[:listed],
        "personal": [
            {"id": row[ID], "kinds": kinds, "text": shown(task, row, region)}
            for row, kinds in looked.counted.exposed[:listed]
        ],
    }


def _ask(task: Task, params: SurveyParams, sample: Sequence[Example], seed: int) -> Asked | None:
    """Return what cross-validation says of the labels; None where a text alone tells none."""
    if not task.labels or len(task.inputs) > 1:
        return None
    texts = [task.content(row) for row in sample]
    if task.points:
        return ask_named(texts, [task.marked(row) for row in sample])
    if task.loss in SINGLE:
        return ask_single(texts, [task.truth(row) for row in sample], params.folds, seed)
    if task.loss == "many_labels":
        return ask_several(texts, [task.tags(row) for row in sample], params.folds, seed)
    return None


def _suspects(task: Task, asked: Asked | None, sample: Sequence[Example]) -> dict[str, Any]:
    if asked is None:
        return {"looked_at": 0, "skill": None, "rows": 0, "able": False, "words": False, "ids": []}
    return {
        "looked_at": asked.rows,
        "skill": asked.skill,
        "rows": len(asked.suspects),
        "able": asked.able,
        "words": task.points,
        "ids": [sample[one.place][ID] for one in asked.suspects],
    }


def _accused(
    task: Task, asked: Asked | None, sample: Sequence[Example], region: str | None
) -> list[dict[str, Any]]:
    return [
        {
            "id": sample[one.place][ID],
            "split": sample[one.place][SPLIT],
            "given": one.given,
            "meant": one.meant,
            "margin": one.margin,
            "words": one.words and masked(one.words, region),
            "text": shown(task, sample[one.place], region),
        }
        for one in (asked.suspects if asked else ())
    ]


def _labels(task: Task, counted: Tally) -> list[dict[str, Any]]:
    names = sorted({*task.labels, *counted.labels})
    return [
        {"label": name, **{split: counted.labels[name][split] for split in SPLITS}}
        for name in names
    ]


def _rare(task: Task, params: SurveyParams, counted: Tally) -> list[str]:
    """Return the labels with few training rows, the rarest first; none that its text explains."""
    if anchored(task) is not None:
        return []
    few = [n for n in task.labels if counted.labels[n]["train"] < params.rare_rows]
    return sorted(few, key=lambda name: (counted.labels[name]["train"], name))


def _characters(lengths: Counter[int]) -> dict[str, Any]:
    """Return quantiles of the lengths, and rows by length in twenty equal steps."""
    total, longest = sum(lengths.values()), max(lengths, default=0)
    found: dict[str, Any] = dict.fromkeys(QUANTILES, 0)
    below, left = 0, dict(QUANTILES)
    for length in sorted(lengths):
        below += lengths[length]
        for name in [name for name, share in left.items() if below >= share * total]:
            found[name] = length
            del left[name]
    step = max(1, -(-longest // 20))
    steps: Counter[int] = Counter()
    for length, rows in lengths.items():
        steps[max(0, length - 1) // step] += rows
    found["step"] = step
    found["steps"] = [steps[at] for at in range(max(steps, default=-1) + 1)]
    return found


def _scripts(counted: Tally) -> dict[str, Any]:
    return {
        "counts": dict(counted.scripts.most_common()),
        "rows": sum(counted.scripts[name] for name in counted.foreign),
    }


def _strangers(task: Task, counted: Tally, region: str | None) -> list[dict[str, Any]]:
    return [
        {"id": row[ID], "script": name, "text": shown(task, row, region)}
        for name in counted.foreign
        for row in counted.strangers[name]
    ]


def _languages(task: Task, sample: Sequence[Example]) -> dict[str, Any]:
    told = {str(row[ID]): language(task.content(row)) for row in sample}
    counts = Counter(name for name in told.values() if name)
    main = counts.most_common(1)[0][0] if counts else None
    others = {name: by for name, by in told.items() if by and by != main}
    return {
        "looked_at": sum(counts.values()),
        "counts": dict(counts.most_common()),
        "main": main,
        "rows": len(others),
        "ids": others,
    }


def _foreign(
    task: Task, sample: Sequence[Example], found: Mapping[str, Any], region: str | None
) -> list[dict[str, Any]]:
    return [
        {"id": row[ID], "language": found["ids"][row[ID]], "text": shown(task, row, region)}
        for row in sample
        if row[ID] in found["ids"]
    ]


def _conflicts(task: Task, valid: Path, region: str | None, listed: int) -> dict[str, Any]:
    """Return the rows that were rejected since the same text has another label elsewhere."""
    texts: dict[str, Counter[str]] = defaultdict(Counter)
    rows = 0
    with pq.ParquetFile(valid / REJECTS) as file:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                if row[REASON] == CONFLICT:
                    rows += 1
                    texts[shown(task, row, region)][" ".join(task.tags(row))] += 1
    between = Counter(
        pair for said in texts.values() for pair in itertools.combinations(sorted(said), 2)
    )
    examples = sorted(texts.items(), key=lambda item: (-item[1].total(), item[0]))
    return {
        "rows": rows,
        "pairs": [{"labels": list(p), "texts": n} for p, n in between.most_common(listed)],
        "texts": [{"text": text, "labels": dict(said)} for text, said in examples[:listed]],
    }
