"""In: the logits of a text. Out: how far they speak for one of the labels, and from where on."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from components.thresholds import balanced, keeping

Array = npt.NDArray[Any]

# The target of a row that has none of the labels: learned as none of them more than another.
NO_LABEL: Final = -1


class OutOfScope(BaseModel):
    """How texts are told that have none of the labels."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    label: Annotated[str, Field(min_length=1)]
    """What stands in the label column of such examples; there may be none, in any split."""
    score: Literal["energy", "probability"]
    """What tells them: log-sum-exp of the logits, or the greatest probability."""
    threshold: float | None
    """Below it a text is out of scope; null: set on validation."""
    in_scope_share: Annotated[float, Field(gt=0, lt=1)]
    """Of the validation texts in scope, the share to keep where none is out of scope."""

    def evidence(self, logits: Array) -> float:
        """Return what speaks for a text being in scope.

        The log-sum-exp of the logits, which is the negative energy (Liu, Wang, Owens and Li,
        NeurIPS 2020, arXiv:2010.03759), or the greatest probability (Hendrycks and Gimpel, ICLR
        2017, arXiv:1610.02136). What a head learns from texts out of scope, to be even, moves the
        second for sure; the first does not see a head that is even at a high level.

        Args:
            logits: (labels,).
        """
        whole = float(np.logaddexp.reduce(logits.astype(np.float64)))
        return whole if self.score == "energy" else float(np.exp(float(logits.max()) - whole))

    def set_on(self, evidence: Array, inside: Array) -> float:
        """Return the threshold that is given, or what validation rows set.

        Where some are out of scope, the one of greatest balanced accuracy; else the one that keeps
        as large a share of those in scope as is asked.

        Args:
            evidence: (rows,).
            inside: (rows,) whether the text is in scope.
        """
        if self.threshold is not None:
            return self.threshold
        if inside.any() and not inside.all():
            return balanced(evidence, inside)
        return keeping(evidence, self.in_scope_share)
