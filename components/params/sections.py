"""In: the values of params.yaml. Out: one frozen class per section, in pipeline order.

No field has a default: a default in Python is a hyper-parameter that DVC cannot see.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from components.tasks.base import TaskOptions

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    """What all sections share: frozen, strict about types, closed to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class ProjectParams(Section):
    """What all stages share."""

    name: Name
    """Name of the registered model and of the MLflow experiment."""
    seed: Count
    """The one seed; every random choice of every stage is derived from it by name."""


class ColumnsParams(Section):
    """Which columns of the source hold what; the task says which fields it needs."""

    fields: dict[str, str]
    """The task's field to the source's column, such as `text: body`."""
    group: str | None
    """Column whose equal values never cross splits (a customer); null: the text itself."""
    slices: tuple[Name, ...]
    """Columns by which evaluation and the gate look at parts of the data."""


class SplitsParams(Section):
    """Shares that are cut out of `source`, by a hash of the group."""

    validation: Share
    """Share for choosing; 0 when `validation_source` is given."""
    test: Share
    """Share for judging, never seen by search or training; 0 when `test_source` is given."""


class IngestionParams(Section):
    """Where the labelled text comes from."""

    folder: str
    """The folder that DVC watches for changes; files below are named relative to it."""
    source: str
    """A CSV, JSONL or Parquet file in `folder`, or `sample:tickets?rows=N&seed=N`."""
    validation_source: str | None
    """File with the validation rows, when they are given; else null."""
    test_source: str | None
    """File with the test rows, when they are given; else null."""
    columns: ColumnsParams
    splits: SplitsParams
    licence: str
    """Licence of the data, as it shall stand on the card and on the model's page."""

    @model_validator(mode="after")
    def _one_origin_per_split(self) -> IngestionParams:
        for split in ("validation", "test"):
            given = getattr(self, f"{split}_source") is not None
            cut = getattr(self.splits, split) > 0
            if given == cut:
                raise ValueError(
                    f"splits.{split} must be above 0 when {split}_source is null, and 0 when not"
                )
        if self.splits.validation + self.splits.test > 0.8:
            raise ValueError("splits.validation and splits.test must leave 0.2 for training")
        return self


class RowsPerSplit(Section):
    """A count for each split."""

    train: Count
    validation: Count
    test: Count


class ValidationParams(Section):
    """Rules of the data; each one enforces."""

    min_characters: Positive
    """Shorter texts, after trimming, are rejected."""
    max_characters: Positive
    """Longer texts are rejected."""
    max_reject_share: Share
    """Above this share of rejected rows the run ends."""
    max_unknown_labels: Count
    """Above this number of rows whose label the task does not list, the run ends."""
    min_rows_per_label: RowsPerSplit
    """Below this number of accepted rows for any label, the run ends."""
    max_label_share: Share
    """Above this share of the training rows for any one label, the run ends."""


class EditsParams(Section):
    """Share of the training rows that get one altered copy by this edit."""

    typo: Share
    """One letter replaced by, or doubled with, a neighbour on the keyboard, or two swapped."""
    swap: Share
    """Two neighbouring words swapped."""
    deletion: Share
    """One word left out, of texts with four words or more."""
    synonym: Share
    """One or two words replaced from the lexicon."""
    case: Share
    """Letter case changed: all lower, all upper, or first letter."""
    punctuation: Share
    """Punctuation dropped, repeated or appended."""


class AugmentationParams(Section):
    """Altered copies of training rows; validation and test rows are never touched."""

    edits: EditsParams
    lexicon: str | None
    """JSON file of word to synonyms; null: the bundled English one."""
    near_copy_similarity: Annotated[float, Field(gt=0, le=1)]
    """A copy this similar (Jaccard of character 3-grams) to a held-out text is not made."""


class EncoderParams(Section):
    """The pretrained encoder."""

    source: Annotated[str, Field(pattern=r"^(package:[\w.]+|hub:[\w./-]+@[\w.-]+|path:.+)$")]
    """`package:<python package>`, `hub:<id>@<revision>` or `path:<folder>`."""
    sha256: dict[str, Sha256]
    """Digest of every file that is opened, checked before it is opened."""


class TokenizationParams(Section):
    """Text to token ids, once for all trials."""

    max_length: Annotated[int, Field(ge=8, le=8192)]
    """Tokens per example, special ones included; longer texts are cut, and the share reported."""


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
            raise ValueError("accumulation must divide batch_size")
        return self


class Range(Section):
    """A numeric search range."""

    low: float
    high: float
    log: bool
    """Draw on a logarithmic scale."""
    step: Annotated[float, Field(gt=0)] | None
    """Grid of the values; null: continuous."""

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and a null step")
        return self


class Choice(Section):
    """A closed list of values."""

    choices: Annotated[tuple[float | int | str, ...], Field(min_length=2)]


class PrunerParams(Section):
    """When a trial is given up: median of the finished ones at the same epoch."""

    startup_trials: Count
    """Trials that run to their end before any is judged."""
    warmup_epochs: Count
    """Epochs of each trial before it is judged."""


class SearchParams(Section):
    """Hyper-parameter search over the training section; trial 0 is that section untouched."""

    trials: Positive
    """Trials in total, pruned ones included; a killed search goes on until there are as many."""
    minutes: Annotated[float, Field(gt=0)] | None
    """No trial starts after so many minutes; null: no limit."""
    epochs: Positive
    """Epochs per trial; fewer than training's save time and rank nearly as well."""
    startup_trials: Positive
    """Random trials before TPE proposes."""
    pruner: PrunerParams
    space: dict[str, Range | Choice]
    """Field of `training` to its range."""

    @model_validator(mode="after")
    def _known(self) -> SearchParams:
        for name in self.space:
            if name not in TrainingParams.model_fields or name == "epochs":
                fields = ", ".join(f for f in TrainingParams.model_fields if f != "epochs")
                raise ValueError(f"space.{name} is no searchable field of training: {fields}")
        return self


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
    service_wait_seconds: Count
    """How long a server that is away is waited for."""


class Params(Section):
    """params.yaml as one tree."""

    project: ProjectParams
    task: SerializeAsAny[TaskOptions]
    ingestion: IngestionParams
    validation: ValidationParams
    augmentation: AugmentationParams
    encoder: EncoderParams
    tokenization: TokenizationParams
    search: SearchParams
    training: TrainingParams
    export: ExportParams
    evaluation: EvaluationParams
    registry: RegistryParams
    gate: GateParams
    release: ReleaseParams
