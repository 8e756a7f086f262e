"""In: values of params.yaml. Out: sections that name pretrained models by their files' digests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from components.encoders import name_mistakes
from components.params.base import Positive, Section, Sha256, mistake, refuse


class ModelParams(Section):
    """A pretrained model."""

    source: Annotated[str, Field(pattern=r"^(package:[\w.]+|hub:[\w./-]+@[\w.-]+|path:.+)$")]
    """`package:<python package>`, `hub:<id>@<revision>` or `path:<folder>`."""
    sha256: dict[str, Sha256]
    """Digest of every file that is opened, checked before it is opened."""

    @model_validator(mode="after")
    def _only_data(self) -> ModelParams:
        return refuse(self, [mistake(("sha256",), rule) for rule in name_mistakes(self.sha256)])


class TranslatorParams(ModelParams):
    """A pretrained translation model, encoder and decoder in one."""

    prefix: str
    """Stands before each text, where the model asks for that: `>>fra<< `, or `translate English to
    German: `; else empty."""


class TranslatorsParams(Section):
    """Two translation models, of which one undoes what the other does."""

    there: TranslatorParams
    """From the language of the texts to another."""
    back: TranslatorParams
    """From that one back to the language of the texts."""
    beams: Positive
    """Width of the search for a translation; 1: the likeliest token at each step."""


class EncoderParams(ModelParams):
    """The pretrained encoder."""

    layers: Positive | None
    """So many of its layers are used, spaced evenly; null: all. Half of them take half the time,
    in training and in serving; what it costs in accuracy: python -m benchmarks.effects."""
