"""In: nothing. Out: what every section of params.yaml is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    """What all sections share: frozen, strict about types, closed to unknown fields and to NaN."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


S = TypeVar("S", bound=Section)


def mistake(place: tuple[str | int, ...], rule: str, value: object = None) -> InitErrorDetails:
    """Describe one broken rule.

    Args:
        place: names from this section down to the value.
        rule: what is wrong with it.
        value: what was found; None when the rule says it already.
    """
    kind = PydanticCustomError("rule", "{rule}", {"rule": rule})
    return InitErrorDetails(type=kind, loc=place, input={} if value is None else value)


def refuse(section: S, mistakes: Sequence[InitErrorDetails]) -> S:
    """Return the section, or raise all mistakes together.

    Raises:
        ValidationError: there is a mistake; pydantic adds the names above this section.
    """
    if mistakes:
        raise ValidationError.from_exception_data(type(section).__name__, list(mistakes))
    return section
