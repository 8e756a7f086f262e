"""In: values of params.yaml. Out: the sections from the exported graph to the promotion."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from components.params.base import Count, Positive, Section, Share

Rung = Literal["dynamic", "static", "mixed", "fp32"]


class AcceptParams(Section):
    """What a rung of the ladder must hold on validation texts; the first that does is served."""

    batch_dependent: Count
    """Most answers that may be others alone, in a batch, or padded further."""
    broken_share: Share
    """Largest share of torch's right answers that may turn wrong."""
    accuracy_loss: Share
    """Largest loss of accuracy against torch."""
    latency_p95_ms: Annotated[float, Field(gt=0)] | None
    """Highest 95th percentile of one request, on the machine that exports; null: any."""
    size_mb: Annotated[float, Field(gt=0)] | None
    """Largest graph; null: any."""


class ExportParams(Section):
    """The graph that will be served."""

    ladder: Annotated[list[Rung], Field(min_length=1)]
    """Tried in this order: `dynamic`, ranges from each batch; `static`, ranges calibrated once;
    `mixed`, static with the most sensitive operators left in float; `fp32`, not quantized."""
    accept: AcceptParams
    calibration_rows: Positive
    """Training texts that set the activation ranges of static quantization."""
    max_logit_difference: Annotated[float, Field(gt=0)]
    """Largest difference allowed between torch and fp32 ONNX logits on validation texts."""

    @field_validator("ladder")
    @classmethod
    def _once(cls, ladder: list[Rung]) -> list[Rung]:
        if len(set(ladder)) < len(ladder):
            raise ValueError(f"a rung must stand once, found {', '.join(ladder)}")
        return ladder


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


class CeilingsParams(Section):
    """Most that is allowed, with or without a champion."""

    calibration_error: Share
    """Highest expected calibration error; the interval's upper bound must stay under it."""
    accuracy_loss: Share
    """Largest loss of accuracy from torch to the served bundle."""
    broken_share: Share
    """Largest share of torch's right answers that the served bundle turns wrong."""
    batch_dependent: Count
    """Most answers that may be others alone, in a batch, or padded further."""
    near_copy_share: Share
    """Largest share of test examples of which training has a near-copy, one word apart or so."""
    latency_p95_ms: Annotated[float, Field(gt=0)] | None
    """Highest 95th percentile of one request, on the machine of the gate; null: any."""
    latency_ratio: Annotated[float, Field(gt=0)]
    """Highest median latency, as a multiple of the champion's in the same run."""
    size_mb: Annotated[float, Field(gt=0)] | None
    """Largest served graph; null: any."""
    size_ratio: Annotated[float, Field(gt=0)]
    """Largest served graph, as a multiple of the champion's."""


class GateSlicesParams(Section):
    """What must hold on every slice that is large enough to tell."""

    min_rows: Positive
    """Smaller slices only inform."""
    margin: Share
    """Non-inferiority margin on the task's metric within a slice."""


class RobustnessParams(Section):
    """Least share of answers that must survive an edit that leaves the label as it is."""

    rows: Positive
    """Test examples that are edited, at most, for each edit."""
    typo: Share
    """A neighbouring key, a letter too many, or two letters swapped."""
    case: Share
    """All lower, all upper, or the first letter turned."""
    punctuation: Share
    """Pauses dropped, marks repeated or appended."""
    words: Share
    """Words of one group of people in place of those of another."""
    lexicon: str
    """JSON file of word to words of another group."""


class WaiverParams(Section):
    """A rule that a person lets a candidate break, until a day."""

    rule: str
    """The rule's name on the report."""
    reason: Annotated[str, Field(min_length=10)]
    """Why, for those who read the report later."""
    by: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """Last day, UTC, on which it counts; later the rule fails again."""

    @field_validator("until", mode="before")
    @classmethod
    def _as_text(cls, until: object) -> object:
        # YAML reads 2027-01-31 as a day already, unless it is quoted.
        return until.isoformat() if isinstance(until, date) else until

    @field_validator("until")
    @classmethod
    def _is_a_day(cls, until: str) -> str:
        try:
            date.fromisoformat(until)
        except ValueError as error:
            raise ValueError(f"must be a day such as 2027-01-31, found {until}") from error
        return until


class GateParams(Section):
    """When a candidate may become the champion."""

    promote_when: Literal["superior", "non_inferior"]
    """`superior`: better beyond chance; `non_inferior`: not worse than the champion by `margin`."""
    margin: Share
    """Non-inferiority margin on the task's metric."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Confidence of the two-sided intervals; a single bound errs half as often."""
    resamples: Annotated[int, Field(ge=1000)]
    """Bootstrap resamples, drawn by group."""
    slices: GateSlicesParams
    floors: Annotated[dict[str, Share], Field(min_length=1)]
    ceilings: CeilingsParams
    robustness: RobustnessParams
    waivers: list[WaiverParams]
    """Rules that may be broken for a while, each with reason, person and day."""


class ReleaseParams(Section):
    """What the schedule runs."""

    publish: bool
    """End with `dvc push` and a git commit of `dvc.lock` that names the lineage id."""
