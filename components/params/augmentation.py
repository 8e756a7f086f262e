"""In: values of params.yaml. Out: the section of altered copies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.params.base import Section, Share
from components.params.models import ModelParams, TranslatorsParams


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
    entity: Share
    """Of tasks with entities: some of them swapped with others of the same type, taken from the
    training rows. Of other tasks: 0."""
    context: Share
    """Of tasks with a context: one of its sentences that hold no answer left out, or two of them
    swapped. Of other tasks: 0."""

    masked: Share
    """One or two words replaced by what `masked_model` finds likely in their places."""
    backtranslation: Share
    """The whole text translated by `translators`, and back. Of tasks whose label points into the
    text: 0."""

    @property
    def on(self) -> dict[str, float]:
        """The shares of the edits that are on, by name."""
        return {name: share for name in type(self).model_fields if (share := getattr(self, name))}


class AugmentationParams(Section):
    """Altered copies of training rows; validation and test rows are never touched."""

    edits: EditsParams
    balance: Share
    """So many rows, as a share of the most frequent label's, every label shall have: more copies
    are made of rows with rarer ones, by the edits that are on and in proportion to their shares,
    at most four of a row. Of rows with several labels, for the rarest. 0 is off."""
    lexicon: str
    """JSON file of word to synonyms; DVC watches it."""
    masked_model: ModelParams | None
    """The masked language model that the edit `masked` asks; null: it is off."""
    translators: TranslatorsParams | None
    """The translation models that the edit `backtranslation` asks; null: it is off."""
    near_copy_similarity: Annotated[float, Field(gt=0, le=1)]
    """A copy this similar (Jaccard of character 3-grams) to a held-out text is not made."""
