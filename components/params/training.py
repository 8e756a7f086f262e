"""In: values of params.yaml. Out: the section of training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.params.base import Positive, Section, Share


class TrainingParams(Section):
    """Fine-tuning; the winner of the search is laid over this section."""

    epochs: Positive
    """Passes over the training rows, at most."""
    batch_size: Positive
    """Examples per optimizer step, whatever the accumulation."""
    accumulation: Positive
    """Micro-batches that a step is computed in, to save memory; must divide batch_size."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    """Peak rate of AdamW."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    """Decoupled decay; biases and normalization weights are exempt."""
    warmup_share: Share
    """Share of all steps over which the rate rises from 0."""
    decay: Literal["linear", "cosine"]
    """How the rate falls to 0 after warm-up."""
    max_grad_norm: Annotated[float, Field(gt=0)]
    """Gradients are clipped to this global norm."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Dropout of the encoder's hidden layers and of the head."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """Probability mass moved from the true label to all labels."""
    patience: Positive
    """Epochs without a better validation score after which training stops early."""
    precision: Literal["auto", "fp32", "bf16"]
    """`auto`: bf16 on a GPU that has it, fp32 elsewhere."""

    @model_validator(mode="after")
    def _divides(self) -> TrainingParams:
        if self.batch_size % self.accumulation:
            raise ValueError(
                "accumulation must divide batch_size, "
                f"found {self.accumulation} and {self.batch_size}"
            )
        return self
