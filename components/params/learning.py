"""In: values of params.yaml. Out: the sections of other ways to learn."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from components.params.base import Positive, Section


class LearningCurveParams(Section):
    """How well fewer labels do, and what more would buy; trained when asked for, by no stage."""

    shares: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=2)]
    """Shares of the training labels to train on, rising; the last is 1."""
    seeds: Annotated[int, Field(ge=2)]
    """Trainings per share, each on other rows; from one alone chance cannot be told."""
    more: Positive
    """How many more labels the question is about."""
    resamples: Annotated[int, Field(ge=200)]
    """Draws of the validation rows, and of the seeds' chance, that the intervals come from."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Of the two-sided intervals."""

    @model_validator(mode="after")
    def _rise_to_all(self) -> LearningCurveParams:
        if list(self.shares) != sorted(set(self.shares)) or self.shares[-1] != 1:
            raise ValueError(f"shares must rise, and end with 1, found {list(self.shares)}")
        return self
