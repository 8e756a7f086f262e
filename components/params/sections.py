"""In: the values of params.yaml. Out: one frozen class per section, in pipeline order.

No field has a default: a default in Python is a hyper-parameter that DVC cannot see.
"""

from __future__ import annotations

from pydantic import SerializeAsAny, model_validator

from components.params.augmentation import AugmentationParams, EditsParams
from components.params.base import Section, refuse
from components.params.data import (
    ColumnsParams,
    IngestionParams,
    PersonalParams,
    ProjectParams,
    RowsPerSplit,
    SplitsParams,
    TokenizationParams,
    ValidationParams,
)
from components.params.joints import (
    augmentation_mistakes,
    column_mistakes,
    floor_mistakes,
    learning_mistakes,
    space_mistakes,
)
from components.params.learning import (
    DistillationParams,
    LearningCurveParams,
    PretrainingParams,
)
from components.params.models import EncoderParams, ModelParams, TranslatorParams, TranslatorsParams
from components.params.release import (
    AcceptParams,
    CeilingsParams,
    EvaluationParams,
    ExportParams,
    GateParams,
    GateSlicesParams,
    RegistryParams,
    ReleaseParams,
    RobustnessParams,
    WaiverParams,
)
from components.params.search import (
    AblationParams,
    Choice,
    FinalistsParams,
    PrunerParams,
    Range,
    SearchParams,
)
from components.params.survey import SurveyBudgetsParams, SurveyParams
from components.params.topics import TopicsParams
from components.params.training import TrainingParams
from components.tasks import load_task
from components.tasks.base import TaskOptions

__all__ = [
    "AblationParams",
    "AcceptParams",
    "AugmentationParams",
    "CeilingsParams",
    "Choice",
    "ColumnsParams",
    "DistillationParams",
    "EditsParams",
    "EncoderParams",
    "EvaluationParams",
    "ExportParams",
    "FinalistsParams",
    "GateParams",
    "GateSlicesParams",
    "IngestionParams",
    "LearningCurveParams",
    "ModelParams",
    "Params",
    "PersonalParams",
    "PretrainingParams",
    "ProjectParams",
    "PrunerParams",
    "Range",
    "RegistryParams",
    "ReleaseParams",
    "RobustnessParams",
    "RowsPerSplit",
    "SearchParams",
    "Section",
    "SplitsParams",
    "SurveyBudgetsParams",
    "SurveyParams",
    "TokenizationParams",
    "TopicsParams",
    "TrainingParams",
    "TranslatorParams",
    "TranslatorsParams",
    "ValidationParams",
    "WaiverParams",
]


class Params(Section):
    """params.yaml as one tree."""

    project: ProjectParams
    task: SerializeAsAny[TaskOptions]
    ingestion: IngestionParams
    validation: ValidationParams
    survey: SurveyParams
    augmentation: AugmentationParams
    encoder: EncoderParams
    pretraining: PretrainingParams
    tokenization: TokenizationParams
    search: SearchParams
    training: TrainingParams
    distillation: DistillationParams
    learning_curve: LearningCurveParams
    export: ExportParams
    evaluation: EvaluationParams
    registry: RegistryParams
    gate: GateParams
    release: ReleaseParams
    topics: TopicsParams

    @model_validator(mode="after")
    def _sections_agree(self) -> Params:
        task = load_task(self.task)
        return refuse(
            self,
            [
                *column_mistakes(self.ingestion.columns, task.columns),
                *augmentation_mistakes(task, self.augmentation),
                *space_mistakes(self.search, self.training),
                *learning_mistakes(task, self.training, self.search, self.distillation),
                *floor_mistakes(task, self.gate.floors),
            ],
        )
