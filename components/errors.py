"""In: what went wrong. Out: one paragraph for a person, and the exit code of the process."""

from __future__ import annotations

FAILED = 1
DISK_FULL = 74
# What stopped the run passes (EX_TEMPFAIL): the same command goes on.
AWAY = 75
INTERRUPTED = 130


class TouchstoneError(Exception):
    """A mistake or a fault that a person can cure: printed without a traceback.

    Args:
        what: where it happened, the rule, and the value found, as one sentence or a short list.
        cure: what to do about it, as one sentence in the imperative.
    """

    exit_code: int = FAILED

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what, cure)
        self.what = what
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.what}\n  cure: {self.cure}" if self.cure else self.what


class ParamsError(TouchstoneError):
    """params.yaml breaks a rule."""


class DataError(TouchstoneError):
    """A source or a data set cannot be read, or breaks a hard rule."""


class EncoderError(TouchstoneError):
    """The pretrained encoder is absent, or is not the one that params.yaml names."""


class IntegrityError(TouchstoneError):
    """A file is not the one that was written: its digest, its name or its format differs."""


class DivergenceError(TouchstoneError):
    """Training left the finite numbers: a loss, gradient, weight or metric is NaN or infinite."""


class CapacityError(TouchstoneError):
    """The memory does not hold the smallest part that work can be cut into."""


class Interrupted(TouchstoneError):  # noqa: N818 - no error: somebody asked the process to end
    """A signal ended the run where it can go on; what was done so far is on the disk."""

    exit_code = AWAY


class PromotionError(TouchstoneError):
    """An alias must not move: there is no verdict, or it is not about these bytes."""


class ServiceError(TouchstoneError):
    """A server that the run needs cannot be had: its port is taken, it ends while it starts."""


class Away(ServiceError):  # noqa: N818 - no error: it passes
    """A server that the run needs was away too long; the same command goes on once it is back."""

    exit_code = AWAY
