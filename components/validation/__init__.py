"""In: raw examples. Out: examples that keep every rule, and a report on those that do not."""

from components.validation.validate import validate

__all__ = ["validate"]
