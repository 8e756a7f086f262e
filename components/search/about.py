"""In: nothing. Out: what the report of a search tells beside its trials."""

from __future__ import annotations

from dataclasses import dataclass

from components.params import SearchParams, TrainingParams


@dataclass(frozen=True)
class About:
    """What was searched, and on what.

    Attributes:
        project: its name.
        metric: the task's, of which every score is one, on validation.
        params: the search section.
        training: the training section, which is trial 0.
        examples: training examples, all of which an epoch sees.
    """

    project: str
    metric: str
    params: SearchParams
    training: TrainingParams
    examples: int
