"""In: values of params.yaml. Out: the section of search."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, WrapValidator, model_validator

from components.params.base import Count, Positive, Section, mistake, refuse
from components.params.training import UNSHAPING, TrainingParams

# Fields that change how much is tried, where and when, and not what: a study goes on with others.
UNNAMED: Final = frozenset(
    {
        "trials",
        "minutes",
        "budget_epochs",
        "workers",
        "attempts",
        "engine",
        "address",
        "finalists",
        "ablation",
    }
)


ONE_SEED: Final = (
    "must be at least 2 where search.finalists.seeds is 0, since only several trainings with the "
    "same values tell what a seed does; or write search.ablation: null"
)


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
            raise ValueError(f"low must be below high, found {self.low} and {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError(
                "log needs a low above 0 and a null step, "
                f"found low {self.low} and step {'null' if self.step is None else self.step}"
            )
        return self


def _scalar(value: Any, _: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number or a text")
    return value


# Wrapped, so that one wrong value is one mistake and not one per member of the union.
Value = Annotated[float | int | str, WrapValidator(_scalar)]


class Choice(Section):
    """A closed list of values."""

    choices: Annotated[tuple[Value, ...], Field(min_length=2)]


RANGE: Final = "<range>"
CHOICE: Final = "<choice>"


def _kind_of_space(value: object) -> str:
    """Tell a list of choices from a range by its field, so that mistakes name only that form."""
    if isinstance(value, Choice) or (isinstance(value, dict) and "choices" in value):
        return CHOICE
    return RANGE


Space = Annotated[
    Annotated[Range, Tag(RANGE)] | Annotated[Choice, Tag(CHOICE)], Discriminator(_kind_of_space)
]


class PrunerParams(Section):
    """When a trial is given up, judged by its score after each epoch."""

    kind: Literal["median", "asha", "hyperband", "none"]
    """`median`: below the median of the complete trials; `asha`: not among the best 1 in
    `reduction` after 1, `reduction`, `reduction` squared ... epochs; `hyperband`: likewise, some
    trials being judged from later on; `none`: never."""
    startup_trials: Count
    """Trials that run to their end before any is judged."""
    warmup_epochs: Count
    """Epochs of each trial before it is judged."""
    reduction: Annotated[int, Field(ge=2)]
    """Of asha and hyperband: one in so many goes on."""


class FinalistsParams(Section):
    """The best trials train again with other seeds, since one score is partly luck."""

    trials: Positive
    """How many; their mean scores decide."""
    seeds: Count
    """Further seeds for each; 0: the best single score wins."""
    minutes: Annotated[float, Field(gt=0)] | None
    """No further training starts after so many minutes; null: no limit."""


class AblationParams(Section):
    """Whether altered copies of training rows help; those not shown to are left out of `train`.

    The winner's values train with and without the copies. The copies stay when the lower bound of
    the interval of the gain on validation is above 0, or when training diverges without them alone.
    """

    seeds: Positive
    """Trainings with and as many without, for as many steps, with seeds that chose nothing."""
    resamples: Annotated[int, Field(ge=100)]
    """Draws of whole groups of validation rows, for the interval."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    """Of the two-sided interval; its lower bound alone errs half as often."""


class SearchParams(Section):
    """Hyper-parameter search over the training section; trial 0 is that section untouched."""

    trials: Positive
    """Trials in total, pruned ones included; a killed search goes on until there are as many."""
    minutes: Annotated[float, Field(gt=0)] | None
    """No trial starts after so many minutes; null: no limit."""
    budget_epochs: Positive | None
    """No trial starts when all together have trained for so many epochs; null: no limit."""
    epochs: Positive
    """Epochs per trial; fewer than training's save time and rank nearly as well."""
    sampler: Literal["gp", "tpe", "random"]
    """Proposes values: `gp` of a Gaussian process, the quickest where few trials are affordable;
    `tpe` of many trials or many choices; `random` by lot."""
    startup_trials: Positive
    """Trials that must have ended before the sampler proposes; until then values are random."""
    warm_start: Count
    """Trials after the first that take the best values of earlier studies of the same task; with
    any, the result depends on what was searched on this machine before."""
    workers: Positive | Literal["auto"]
    """Trials at once; `auto`: as many as the memory holds, measured by the first, and no more than
    cores. With more than one, the result depends on which of them is quicker."""
    attempts: Positive
    """A trial whose process dies so many times has failed."""
    engine: Literal["local", "ray"]
    """`local`: processes of this machine; `ray`: tasks of a Ray cluster, on all of whose machines
    the code, the encoder, the tokens and .state/checkpoints lie at the same paths."""
    address: str | None
    """Of the Ray cluster; null: one is started on this machine."""
    pruner: PrunerParams
    space: dict[str, Space]
    """Field of `training` to its range."""
    finalists: FinalistsParams
    ablation: AblationParams | None
    """null: altered copies are used unasked. Without any in the training rows nothing is trained
    for it."""

    @model_validator(mode="after")
    def _known(self) -> SearchParams:
        fixed = {"epochs", *UNSHAPING}
        fields = [name for name in TrainingParams.model_fields if name not in fixed]
        mistakes = [
            mistake(("space", name), _unsearchable(name, fields))
            for name in self.space
            if name not in fields
        ]
        if self.ablation and self.ablation.seeds == 1 and self.finalists.seeds == 0:
            mistakes.append(mistake(("ablation", "seeds"), ONE_SEED, 1))
        return refuse(self, mistakes)

    def shaping(self) -> dict[str, Any]:
        """Return, as JSON, what names a study: all fields but those of UNNAMED."""
        return self.model_dump(mode="json", exclude=set(UNNAMED))


def _unsearchable(name: str, fields: list[str]) -> str:
    close = difflib.get_close_matches(name, fields, n=1)
    meant = f" (did you mean search.space.{close[0]}?)" if close else f": {', '.join(fields)}"
    return f"is no searchable field of training{meant}"
