"""In: values of params.yaml. Out: the sections from the exported graph to the promotion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.params.base import Positive, Section, Share


class ExportParams(Section):
    """The graph that will be served."""

    quantization: Literal["static", "dynamic"]
    """`static` answers do not depend on what else is in a batch; `dynamic` needs no calibration."""
    calibration_rows: Positive
    """Training texts that set the activation ranges of static quantization."""
    max_logit_difference: Annotated[float, Field(gt=0)]
    """Largest difference allowed between torch and fp32 ONNX logits on validation texts."""


class EvaluationParams(Section):
    """How all three artifacts are measured."""

    batch_size: Positive
    """Examples per batch when predicting."""
    calibration_bins: Annotated[int, Field(ge=2, le=100)]
    """Equal-width bins of the expected calibration error."""
    min_slice_rows: Positive
    """Smaller slices are listed without a score."""
    latency_requests: Positive
    """Single requests that p50 and p95 are taken over."""
    throughput_batches: Positive
    """Batches that the throughput is taken over."""


class RegistryParams(Section):
    """What the registered model's page says beside its figures."""

    owner: str
    """Who answers for the model."""
    intended_use: str
    """What it is for, and what it is not for."""


class FloorsParams(Section):
    """Absolute limits; a candidate beyond one is held, with or without a champion."""

    accuracy: Share
    """Lowest accuracy on the test split."""
    macro_f1: Share
    """Lowest macro F1 on the test split."""
    calibration_error: Share
    """Highest expected calibration error."""
    int8_loss: Share
    """Largest loss of accuracy from torch to int8."""
    latency_p95_ms: Annotated[float, Field(gt=0)]
    """Highest 95th percentile of one request, on the machine that evaluates."""
    size_mb: Annotated[float, Field(gt=0)]
    """Largest served graph."""


class GateParams(Section):
    """When a candidate may become the champion."""

    promote_when: Literal["superior", "non_inferior"]
    """`superior`: better beyond chance; `non_inferior`: not worse than the champion by `margin`."""
    margin: Share
    """Non-inferiority margin on the task's metric."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Confidence of the one-sided bounds."""
    resamples: Annotated[int, Field(ge=1000)]
    """Bootstrap resamples, drawn by group."""
    floors: FloorsParams


class ReleaseParams(Section):
    """What the schedule runs."""

    publish: bool
    """End with `dvc push` and a git commit of `dvc.lock` that names the lineage id."""
