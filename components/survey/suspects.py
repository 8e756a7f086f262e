"""In: texts and their labels. Out: the labels that are probably wrong, the surest first.

Confident learning (Northcutt, Jiang and Chuang 2021, doi:10.1613/jair.1.12125): a simple model is
asked for each text by cross-validation, so that it never saw the label it judges. A label counts as
meant where its probability reaches the mean that it has over its own texts; a text whose likeliest
meant label is not its own is a suspect. The means make up for labels that a model is unsure of.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Chances = npt.NDArray[np.float64]

PASSES: Final = 20
PENALTY: Final = 1e-5
# A model that guesses hardly better than by the most frequent label cannot accuse any.
SKILL: Final = 0.2


@dataclass(frozen=True)
class Suspect:
    """A label that is probably wrong.

    Attributes:
        place: of the text.
        given: the label that it has; None where it lacks `meant`.
        meant: the label that it reads like; None where it has `given` and should not.
        margin: by how much the probability of what is meant exceeds that of what is given.
        words: of the text that the label belongs to; None: the whole text.
    """

    place: int
    given: str | None
    meant: str | None
    margin: float
    words: str | None = None


@dataclass(frozen=True)
class Asked:
    """What cross-validation says of the labels.

    Attributes:
        rows: that could be asked: labels with fewer rows than folds cannot.
        skill: the share of what the most frequent answer gets wrong that the model gets right; of
            several labels, the mean of 2 AUC - 1.
        suspects: the surest first; empty where there is no skill.
    """

    rows: int
    skill: float
    suspects: Sequence[Suspect]

    @property
    def able(self) -> bool:
        """Whether the model knows enough to accuse a label."""
        return self.skill >= SKILL


def ask_single(texts: Sequence[str], labels: Sequence[str], folds: int, seed: int) -> Asked:
    """Look for wrong labels where each text has one; the order of rows decides nothing else.

    Args:
        texts: at least one.
        labels: of each text.
        folds: of the cross-validation.
        seed: of the folds and of the model's passes over the rows.
    """
    names, codes, counts = np.unique(
        np.array(labels, dtype=object), return_inverse=True, return_counts=True
    )
    kept = np.flatnonzero(counts[codes] >= folds)
    names, given = np.unique(np.array(labels, dtype=object)[kept], return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004 - nothing to mistake it for
        return Asked(len(kept), 0.0, [])
    words = _words([texts[place] for place in kept.tolist()])
    if words is None:
        return Asked(len(kept), 0.0, [])
    chances = _cross_validated(words, given, folds, seed)
    most = float(np.bincount(given).max() / len(given))
    right = float(np.mean(chances.argmax(axis=1) == given))
    skill = (right - most) / max(1 - most, 1e-12)
    if skill < SKILL:
        return Asked(len(kept), skill, [])
    found = [
        Suspect(int(kept[row]), str(names[given[row]]), str(names[meant]), margin)
        for row, meant, margin in confident(chances, given)
    ]
    return Asked(len(kept), skill, sorted(found, key=lambda one: (-one.margin, one.place)))


def ask_several(
    texts: Sequence[str], labels: Sequence[Sequence[str]], folds: int, seed: int
) -> Asked:
    """Look for wrong and for missing labels where a text has any number of them.

    Each label is a question of its own, yes or no. A text that is suspect for one label and
    lacks another is told once, by the surest.
    """
    names = sorted({name for row in labels for name in row})
    suspects: dict[int, Suspect] = {}
    skills: list[float] = []
    words = _words(texts)
    for name in names if words is not None else ():
        given = np.array([name in row for row in labels], dtype=np.int64)
        if min(given.sum(), len(given) - given.sum()) < folds:
            continue
        chances = _cross_validated(words, given, folds, seed)
        skills.append(_skill(chances, given))
        if skills[-1] < SKILL:
            continue
        for row, meant, margin in confident(chances, given):
            if row not in suspects or suspects[row].margin < margin:
                wrong, lacking = (None, name) if meant else (name, None)
                suspects[row] = Suspect(row, wrong, lacking, margin)
    found = sorted(suspects.values(), key=lambda one: (-one.margin, one.place))
    return Asked(len(texts), float(np.mean(skills)) if skills else 0.0, found)


def confident(chances: Chances, given: Numbers) -> list[tuple[int, int, float]]:
    """Return row, meant label and margin of each suspect, by confident learning.

    Args:
        chances: (rows, labels) probabilities, each row's by a model that did not see its label.
        given: (rows,) labels as numbers; each label has a row.
    """
    labels = np.arange(chances.shape[1])
    means = np.array([chances[given == label, label].mean() for label in labels])
    likely = np.where(chances >= means, chances, -1.0)
    meant = likely.argmax(axis=1)
    rows = np.flatnonzero((meant != given) & (likely.max(axis=1) >= 0))
    margins = chances[rows, meant[rows]] - chances[rows, given[rows]]
    return [
        (int(row), int(meant[row]), float(margin))
        for row, margin in zip(rows, margins, strict=True)
        if margin > 0
    ]


def _skill(chances: Chances, given: Numbers) -> float:
    """Return how far above chance the model ranks the texts of a rare label: 2 AUC - 1."""
    from sklearn.metrics import roc_auc_score

    return float(2 * roc_auc_score(given, chances[:, 1]) - 1)


def _words(texts: Sequence[str]) -> Any:  # noqa: ANN401 - a sparse matrix
    """Return (texts, words) weights of words and pairs of words; None where none stands twice."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit_transform(texts)
    except ValueError:
        return None


def _cross_validated(
    words: Any,  # noqa: ANN401
    given: Numbers,
    folds: int,
    seed: int,
) -> Chances:
    """Return (rows, labels) what a linear model of the words thinks of each text."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import StratifiedKFold

    chances = np.zeros((len(given), int(given.max()) + 1))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for learned, asked in splitter.split(words, given):
        model = SGDClassifier(
            loss="log_loss",
            alpha=PENALTY,
            max_iter=PASSES,
            tol=1e-3,
            random_state=seed,
            n_jobs=-1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # twenty passes are enough for this, converged or not
            model.fit(words[learned], given[learned])
        chances[asked] = model.predict_proba(words[asked])
    return chances
