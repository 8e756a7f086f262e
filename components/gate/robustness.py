"""In: a candidate and test examples. Out: how many answers survive a small edit of the text.

The edits leave the label as it is, so an answer that changes is wrong before or after.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import norm

from components.edits import Edit, case, punctuation, typo
from components.inference import Predictor
from components.lexicon import read_lexicon, replace_words
from components.params.release import RobustnessParams
from components.schema import GROUP, ID
from components.seeding import generator, unit_interval
from components.tasks.base import Array, Example, Prediction, Task

LISTED: Final = 5


@dataclass(frozen=True)
class Draw:
    """How examples are drawn and answered.

    Attributes:
        seed: which examples, and which edit of each.
        batch_size: examples per batch.
        confidence: of the two-sided interval.
    """

    seed: int
    batch_size: int
    confidence: float


def robustness(
    params: RobustnessParams,
    predictor: Predictor,
    examples: Sequence[Example],
    before: Sequence[Prediction],
    draw: Draw,
) -> list[dict[str, Any]]:
    """Return, for each edit, the share of answers that stay the same.

    An example whose text the edit does not change is passed over, and another one is drawn. Which
    are drawn depends on seed, edit and id alone, not on the order of examples.

    Args:
        params: how many examples, and the file of words of one group to words of another.
        predictor: the candidate.
        examples: of the test split.
        before: its answers to them.
        draw: how examples are drawn and answered.

    Returns:
        Per edit: edit, rows, survived, low, high (None without rows), and up to five examples of
        answers that changed.

    Raises:
        ParamsError: the file of words cannot be used.
    """
    found = []
    for edit in _edits(params).items():
        chosen = _choose(predictor.bundle.task, examples, edit, params.rows, draw.seed)
        found.append({"edit": edit[0], **_ask(predictor, examples, before, chosen, draw)})
    return found


def survival(
    same: Array, groups: Sequence[str], confidence: float
) -> tuple[float | None, float | None, float | None]:
    """Return the share that stayed the same, with Wilson's interval for clustered rows.

    Wilson's interval (JASA 22, 1927) with the effective number of rows: rows divided by the design
    effect, how much the variance of a share grows because rows of a group resemble one another
    (Korn and Graubard, Survey Methodology 24, 1998). Where all rows agree nothing tells how much
    that is, and each group counts as one row.

    Args:
        same: (rows,) whether the answer stayed the same.
        groups: of each row.
        confidence: of the two-sided interval.
    """
    rows = len(same)
    if not rows:
        return None, None, None
    share = float(same.mean())
    _, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    size = np.bincount(index)
    if 0 < share < 1:
        off = np.bincount(index, weights=same - share)
        effect = max(1.0, float((off**2).sum()) / (rows * share * (1 - share)))
    else:
        effect = rows / len(size)
    trials = rows / effect
    z = float(norm.ppf((1 + confidence) / 2))
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = share * (1 - share) / trials + z * z / (4 * trials**2)
    half = z * float(np.sqrt(spread)) / (1 + z * z / trials)
    return share, max(0.0, middle - half), 1.0 if share == 1 else min(1.0, middle + half)


def _edits(params: RobustnessParams) -> Mapping[str, Edit]:
    """Return the edits by name; words are those of one group of people for another.

    In that file "her" is a replacement, but is not replaced: only grammar tells whether "his" or
    "him" would be right.
    """
    groups = read_lexicon(Path(params.lexicon), "gate.robustness.lexicon")
    words = functools.partial(replace_words, lexicon=groups, names=True)
    return {"typo": typo, "case": case, "punctuation": punctuation, "words": words}


def _choose(
    task: Task, examples: Sequence[Example], edit: tuple[str, Edit], rows: int, seed: int
) -> dict[int, str]:
    """Return the places of at most `rows` examples that the edit changes, with the new texts."""
    name, change = edit
    order = sorted(
        range(len(examples)),
        key=lambda place: unit_interval(seed, "robustness", name, examples[place][ID]),
    )
    chosen: dict[int, str] = {}
    for place in order:
        if len(chosen) == rows:
            break
        text = task.editable(examples[place])
        edited = change(text, generator(seed, "robustness", name, examples[place][ID], "draw"))
        if edited != text:
            chosen[place] = edited
    return chosen


def _ask(
    predictor: Predictor,
    examples: Sequence[Example],
    before: Sequence[Prediction],
    chosen: Mapping[int, str],
    draw: Draw,
) -> dict[str, Any]:
    """Let the candidate answer the edited texts, and compare."""
    task = predictor.bundle.task
    rows = [task.edited(examples[place], text) for place, text in chosen.items()]
    after = predictor.predict(rows, draw.batch_size) if rows else []
    old = [before[place] for place in chosen]
    originals = [examples[place] for place in chosen]
    pairs = zip(originals, rows, zip(old, after, strict=True), strict=True)
    same = np.array([task.same(*pair) for pair in pairs], dtype=bool)
    share, low, high = survival(same, [str(row[GROUP]) for row in rows], draw.confidence)
    changed = [
        {
            "text": task.editable(examples[place]),
            "edited": text,
            "before": old[index].label,
            "after": after[index].label,
        }
        for index, (place, text) in enumerate(chosen.items())
        if not same[index]
    ]
    return {
        "rows": len(rows),
        "survived": share,
        "low": low,
        "high": high,
        "examples": changed[:LISTED],
    }
