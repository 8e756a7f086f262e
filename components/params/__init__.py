"""In: params.yaml. Out: one tree of frozen sections, or every mistake in it at once."""

from components.params.load import load_params, overlay
from components.params.recipe import apply_recipe
from components.params.sections import (
    AugmentationParams,
    ColumnsParams,
    DistillationParams,
    EncoderParams,
    EvaluationParams,
    ExportParams,
    GateParams,
    IngestionParams,
    LearningCurveParams,
    Params,
    ProjectParams,
    RegistryParams,
    ReleaseParams,
    SearchParams,
    TokenizationParams,
    TrainingParams,
    ValidationParams,
    WaiverParams,
)

__all__ = [
    "AugmentationParams",
    "ColumnsParams",
    "DistillationParams",
    "EncoderParams",
    "EvaluationParams",
    "ExportParams",
    "GateParams",
    "IngestionParams",
    "LearningCurveParams",
    "Params",
    "ProjectParams",
    "RegistryParams",
    "ReleaseParams",
    "SearchParams",
    "TokenizationParams",
    "TrainingParams",
    "ValidationParams",
    "WaiverParams",
    "apply_recipe",
    "load_params",
    "overlay",
]
