"""In: values of params.yaml. Out: the sections of other ways to learn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.params.base import Count, Positive, Section, Share


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


class DistillationParams(Section):
    """One model for serving that learns from several others; they train in `train`, one by one.

    It is no part of `training`: no trial of a search trains teachers, and none starts anew when
    this section changes.
    """

    teachers: Count
    """How many models are trained before the one that is kept, which learns from their mean
    answer; 0: none. Each costs as much as a training."""
    values: Literal["trials", "winner"]
    """What the teachers are trained with: the values of the best trials of the search, one after
    the other and from the first again, or all with the winner's; each has its own seed."""
    temperature: Annotated[float, Field(gt=0)]
    """Softens the teachers' answers: the higher, the more the less probable labels count (Hinton et
    al., arXiv:1503.02531)."""
    share: Share
    """Part of the loss that comes from the teachers' answers; the rest comes from the labels."""


class PretrainingParams(Section):
    """Further pre-training of the encoder on one's own unlabelled texts, by a command of its own.

    All else (decay, warm-up, clipping, dropout, precision, checkpoints) is as in `training`.
    """

    epochs: Positive
    """Passes over the texts."""
    batch_size: Positive
    """Texts per step."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    """Peak rate of AdamW."""
    mask_share: Annotated[float, Field(gt=0, lt=1)]
    """Share of a text's words that are hidden and guessed (Devlin et al., arXiv:1810.04805)."""
    held_out_share: Annotated[float, Field(gt=0, lt=0.5)]
    """Share of the texts that are not trained on, and tell whether it helped to guess words."""
