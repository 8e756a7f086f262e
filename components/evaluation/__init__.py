"""In: bundles and the test split. Out: one report each by the same code, predictions, pictures."""

from components.evaluation.evaluate import evaluate

__all__ = ["evaluate"]
