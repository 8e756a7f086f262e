"""In: search.space and the training section. Out: what Optuna draws from, and trial 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.errors import ParamsError
from components.params import SearchParams, TrainingParams, overlay
from components.params.sections import Choice, Range

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ORIGIN = "search.space"


def distributions(params: SearchParams, training: TrainingParams) -> dict[str, BaseDistribution]:
    """Return the distribution of each searched field; fields of whole numbers stay whole.

    Raises:
        ParamsError: an end of a range, or a choice, is not allowed in the training section.
    """
    for name, space in params.space.items():
        whole = isinstance(getattr(training, name), int)
        for value in _ends(name, space, whole):
            overlay(training, {name: value}, f"{ORIGIN}.{name}")
    return {
        name: _distribution(space, isinstance(getattr(training, name), int))
        for name, space in params.space.items()
    }


def _ends(name: str, space: Range | Choice, whole: bool) -> tuple[Any, ...]:
    if isinstance(space, Choice):
        return space.choices
    numbers = (space.low, space.high) if space.step is None else (space.low, space.high, space.step)
    if not whole:
        return (space.low, space.high)
    if any(not number.is_integer() for number in numbers):
        raise ParamsError(
            f"{ORIGIN}.{name}: low, high and step must be whole, found {list(numbers)}",
            "write whole numbers, or choices",
        )
    return (int(space.low), int(space.high))


def _distribution(space: Range | Choice, whole: bool) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution as Categorical
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(space, Choice):
        return Categorical(space.choices)
    if whole:
        step = 1 if space.step is None else int(space.step)
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=step)
    return FloatDistribution(space.low, space.high, log=space.log, step=space.step)


def defaults(training: TrainingParams, names: Mapping[str, object]) -> dict[str, Any]:
    """Return the untouched values of the searched fields."""
    return {name: getattr(training, name) for name in names}


def within(
    space: Mapping[str, BaseDistribution], values: Mapping[str, Any]
) -> dict[str, BaseDistribution]:
    """Return the part of the space that holds the values that it could have drawn itself."""
    return {name: each for name, each in space.items() if _holds(each, values[name])}


def _holds(distribution: BaseDistribution, value: Any) -> bool:  # noqa: ANN401 - as drawn
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except ValueError:
        return False
