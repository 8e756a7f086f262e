"""In: values of params.yaml. Out: what is looked for in the data, and how much may be there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.params.base import Count, Positive, Section, Share


class SurveyBudgetsParams(Section):
    """Shares above which the run ends; 1 lets anything pass, and still reports it."""

    suspect_labels: Share
    """Of the rows looked at, those whose label is probably wrong."""
    conflicting_labels: Share
    """Of all rows, those that were rejected since the same text has another label elsewhere."""
    ambiguous_pair: Share
    """Of the rows of any two labels, those that read like the other one."""
    rare_labels: Share
    """Of the labels, those that have fewer than `rare_rows` rows to learn from."""
    other_script: Share
    """Of the rows, those in letters that hardly any other row has."""
    other_language: Share
    """Of the rows looked at, those in another language than most."""
    personal_data: Share
    """Of the rows, those that hold personal data; `ingestion.personal.mask` hides these."""
    near_copies: Share
    """Of the test rows looked at, those that rows to learn from all but repeat."""


class SurveyParams(Section):
    """What is found out about the rows that passed; each finding is a table, and a rule."""

    sample: Positive
    """At most so many rows are asked for their label, their language and near-copies, picked by
    their ids; the rest is looked at in full."""
    folds: Annotated[int, Field(ge=2, le=20)]
    """Parts of the cross-validation that finds probable label errors."""
    min_skill: Share
    """Of what the most frequent label gets wrong, the share that the simple model must get right
    for its suspects to be held against a budget; below it they are listed. With few rows it knows
    too little."""
    rare_rows: Count
    """A label with fewer training rows is rare."""
    listed: Positive
    """At most so many rows stand in each table."""
    budgets: SurveyBudgetsParams
